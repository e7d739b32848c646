-- Copyright (c) 2026, the rubin.butler developers
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
    ARRAY(
        SELECT concat_ws(' ', sourcefile, 'line', sourceline, name, error) FROM pg_file_settings
        WHERE error <> 'setting could not be applied'
        UNION ALL
        SELECT concat_ws(' ', 'pg_hba.conf line', line_number, error) FROM pg_hba_file_rules WHERE error IS NOT NULL
    ) AS wrong,
    EXISTS (SELECT FROM pg_file_settings WHERE error = 'setting could not be applied') AS restart,
    (
        SELECT max((pg_stat_file(file)).modification) > pg_conf_load_time()
        FROM json_array_elements_text(%(files)s::json) AS file
    ) AS stale
