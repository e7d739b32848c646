-- Copyright (c) 2026, the rubin.butler developers
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The owners that the current role can't act for yet.
SELECT ARRAY(
    SELECT rolname::text FROM pg_roles
    WHERE rolname IN (SELECT json_array_elements_text(%(owners)s::json)) AND NOT pg_has_role(oid, 'USAGE')
    ORDER BY 1
) AS foreign_owners
