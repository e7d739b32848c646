-- Copyright (c) 2026, the rubin.butler developers
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a server has of what is wanted, and what is in the way of the rest.
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(wanted)s::json) AS w (name text, owner text, reader text, writers json, readers json)
),
me AS (
    SELECT rolname, rolsuper OR rolcreaterole AS may_create_roles, rolsuper OR rolcreatedb AS may_create_databases,
        rolsuper, rolcreaterole AND current_setting('server_version_num')::int < 160000 AS rules_all
    FROM pg_roles WHERE rolname = current_user
),
-- Whose members the current role may choose. Since PostgreSQL 16 CREATEROLE alone is not enough.
ruled AS (
    SELECT r.rolname AS name FROM pg_roles AS r, me
    WHERE me.rolsuper OR me.rules_all AND NOT r.rolsuper OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
),
logins AS (
    SELECT login FROM json_array_elements_text(%(logins)s::json) AS login
),
group_roles AS (
    SELECT owner AS name FROM wanted UNION SELECT reader FROM wanted
),
missing AS (
    SELECT name FROM group_roles WHERE name NOT IN (SELECT rolname FROM pg_roles)
),
members AS (
    SELECT owner AS role, login FROM wanted, json_array_elements_text(writers) AS login WHERE login <> owner
    UNION
    SELECT reader, login FROM wanted, json_array_elements_text(readers) AS login
),
members_present AS (
    SELECT r.rolname AS role, l.rolname AS login
    FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.roleid JOIN pg_roles AS l ON l.oid = m.member
),
-- Logins whose password and settings the current role may not change.
fixed AS (
    SELECT r.rolname AS login FROM pg_roles AS r, me
    WHERE r.rolname <> me.rolname AND NOT (me.may_create_roles AND r.rolname IN (SELECT name FROM ruled))
    UNION
    SELECT login FROM logins, me
    WHERE login NOT IN (SELECT rolname FROM pg_roles) AND NOT (may_create_roles AND (rules_all OR rolsuper OR %(make_logins)s))
),
problem (said) AS (
    SELECT 'the role "' || name || '" is not there, and ' || quote_ident(rolname)
        || ' may not create roles. An administrator runs: CREATE ROLE ' || quote_ident(name) || ' NOLOGIN;'
    FROM missing, me WHERE NOT may_create_roles
    UNION ALL
    SELECT 'the login "' || login || '" is not there, and '
        || CASE WHEN %(make_logins)s THEN quote_ident(rolname) || ' may not create roles.'
           ELSE 'postgresql_registry_manage_logins is false.' END
        || ' An administrator runs: CREATE ROLE ' || quote_ident(login) || ' LOGIN PASSWORD ...;'
    FROM logins, me
    WHERE NOT (may_create_roles AND %(make_logins)s) AND login NOT IN (SELECT rolname FROM pg_roles)
    UNION ALL
    SELECT 'the role "' || r.rolname || '" can log in. An owner or reader is a role that several logins share: name another'
        || ' one, or run ALTER ROLE ' || quote_ident(r.rolname) || ' NOLOGIN; when nobody uses it.'
    FROM pg_roles AS r JOIN group_roles AS g ON g.name = r.rolname
    WHERE r.rolcanlogin AND %(managed)s
    UNION ALL
    SELECT 'the database "' || name || '" is not there, and ' || quote_ident(rolname)
        || ' may not create databases. An administrator runs: CREATE DATABASE ' || quote_ident(name)
        || ' OWNER ' || quote_ident(owner) || ' ENCODING ''UTF8'' LC_COLLATE ''C'' LC_CTYPE ''C'' TEMPLATE template0;'
    FROM wanted, me WHERE NOT may_create_databases AND name NOT IN (SELECT datname FROM pg_database)
    UNION ALL
    SELECT 'the database "' || datname || '" has the encoding ' || pg_encoding_to_char(encoding)
        || '. A registry needs UTF8: name another database.'
    FROM pg_database WHERE datname IN (SELECT name FROM wanted) AND pg_encoding_to_char(encoding) <> 'UTF8'
    UNION ALL
    SELECT 'the server has no btree_gist, which Butler needs. An administrator installs PostgreSQL''s contrib package.'
    WHERE NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'btree_gist')
    UNION ALL
    SELECT quote_ident(rolname) || ' is no member of the role "' || owner || '". An administrator runs: GRANT '
        || quote_ident(owner) || ' TO ' || quote_ident(rolname) || ';'
    FROM wanted, me
    WHERE owner NOT IN (SELECT name FROM ruled) AND NOT (may_create_roles AND owner IN (SELECT name FROM missing))
        AND owner NOT IN (SELECT r.rolname FROM pg_roles AS r WHERE pg_has_role(r.oid, 'USAGE'))
    UNION ALL
    SELECT 'the login "' || login || '" is no member of the role "' || role || '", and ' || quote_ident(rolname)
        || ' may not change that. An administrator runs: GRANT ' || quote_ident(role) || ' TO ' || quote_ident(login) || ';'
    FROM (SELECT role, login FROM members EXCEPT SELECT role, login FROM members_present) AS m, me
    WHERE role NOT IN (SELECT name FROM ruled) AND NOT (may_create_roles AND role IN (SELECT name FROM missing))
    UNION ALL
    SELECT 'the login "' || login || '" is a member of the role "' || role || '", for which it is not declared, and '
        || quote_ident(rolname) || ' may not change that. An administrator runs: REVOKE ' || quote_ident(role) || ' FROM '
        || quote_ident(login) || ';'
    FROM (SELECT role, login FROM members_present EXCEPT SELECT role, login FROM members) AS m, me
    WHERE role IN (SELECT name FROM group_roles) AND login IN (SELECT login FROM logins) AND role NOT IN (SELECT name FROM ruled)
    UNION ALL
    SELECT 'the login "' || login || '" is there, and ' || quote_ident(rolname)
        || ' may not remove it. An administrator runs: DROP ROLE ' || quote_ident(login) || ';'
    FROM json_array_elements_text(%(absent)s::json) AS login, me
    WHERE login IN (SELECT r.rolname FROM pg_roles AS r) AND login IN (SELECT f.login FROM fixed AS f)
)
SELECT
    ARRAY(SELECT DISTINCT said FROM problem ORDER BY said) AS problems,
    ARRAY(SELECT datname::text FROM pg_database WHERE datname IN (SELECT name FROM wanted) ORDER BY 1) AS databases,
    ARRAY(SELECT name FROM missing ORDER BY 1) AS missing_roles,
    ARRAY(SELECT login FROM logins WHERE login NOT IN (SELECT rolname FROM pg_roles) ORDER BY 1) AS missing_logins,
    ARRAY(SELECT login::text FROM fixed WHERE login IN (SELECT l.login FROM logins AS l) ORDER BY 1) AS fixed_logins,
    ARRAY(
        SELECT datname::text FROM pg_database AS d
        WHERE datname IN (SELECT name FROM wanted)
            AND NOT EXISTS (SELECT FROM wanted AS w WHERE w.name = d.datname AND w.owner = pg_get_userbyid(d.datdba))
        ORDER BY 1
    ) AS foreign_databases
