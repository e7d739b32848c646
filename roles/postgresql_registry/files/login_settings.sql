-- Copyright (c) 2026, the rubin.butler developers
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The statements that give each login the settings it is to start with in its database, where it hasn't them.
WITH databases AS (
    SELECT * FROM json_to_recordset(%(wanted)s::json) AS w (name text, owner text, writers json, readers json)
),
wanted AS (
    SELECT d.name AS database, login, 'role' AS setting, d.owner AS value
    FROM databases AS d, json_array_elements_text(d.writers) AS l (login) WHERE login <> d.owner
    UNION
    SELECT d.name, login, s.setting, s.value
    FROM databases AS d, json_array_elements_text(d.readers) AS l (login), json_each_text(%(reader_settings)s::json) AS s (setting, value)
),
managed AS (
    SELECT d.name AS database, login
    FROM databases AS d, json_array_elements_text(d.writers) AS l (login)
    UNION
    SELECT d.name, login FROM databases AS d, json_array_elements_text(d.readers) AS l (login)
),
present AS (
    SELECT b.datname AS database, r.rolname AS login,
        split_part(entry, '=', 1) AS setting, substr(entry, strpos(entry, '=') + 1) AS value
    FROM pg_db_role_setting AS s
    JOIN pg_database AS b ON b.oid = s.setdatabase
    JOIN pg_roles AS r ON r.oid = s.setrole,
    unnest(s.setconfig) AS entry
)
SELECT w.login, 'ALTER ROLE ' || quote_ident(w.login) || ' IN DATABASE ' || quote_ident(w.database)
    || ' SET ' || quote_ident(w.setting) || ' TO ' || quote_literal(w.value) AS statement
FROM wanted AS w LEFT JOIN present AS p USING (database, login, setting)
WHERE p.value IS DISTINCT FROM w.value
UNION ALL
-- A writer that became a reader, and a reader that became a writer: what somebody else set to another value stays.
SELECT p.login, 'ALTER ROLE ' || quote_ident(p.login) || ' IN DATABASE ' || quote_ident(p.database)
    || ' RESET ' || quote_ident(p.setting)
FROM present AS p JOIN managed AS m USING (database, login)
LEFT JOIN json_each_text(%(reader_settings)s::json) AS s ON s.key = p.setting
WHERE (p.setting = 'role' OR p.value = s.value) AND NOT EXISTS (
    SELECT FROM wanted AS w WHERE w.database = p.database AND w.login = p.login AND w.setting = p.setting)
ORDER BY statement
