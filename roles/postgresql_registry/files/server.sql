-- Copyright (c) 2026, the rubin.butler developers
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a server has of what is wanted, and what is in the way of the rest.
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(wanted)s::json) AS w (name text, owner text, reader text)
),
me AS (
    SELECT rolname, rolsuper OR rolcreaterole AS may_create_roles, rolsuper OR rolcreatedb AS may_create_databases
    FROM pg_roles WHERE rolname = current_user
),
group_roles AS (
    SELECT owner AS name FROM wanted UNION SELECT reader FROM wanted
),
missing AS (
    SELECT name FROM group_roles WHERE name NOT IN (SELECT rolname FROM pg_roles)
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
    FROM json_array_elements_text(%(logins)s::json) AS login, me
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
    SELECT quote_ident(me.rolname) || ' is no member of the role "' || r.rolname || '". An administrator runs: GRANT '
        || quote_ident(r.rolname) || ' TO ' || quote_ident(me.rolname) || ';'
    FROM pg_roles AS r, me
    WHERE r.rolname IN (SELECT owner FROM wanted) AND NOT pg_has_role(r.oid, 'MEMBER') AND NOT may_create_roles
)
SELECT
    ARRAY(SELECT DISTINCT said FROM problem ORDER BY said) AS problems,
    ARRAY(SELECT datname::text FROM pg_database WHERE datname IN (SELECT name FROM wanted) ORDER BY 1) AS databases,
    ARRAY(SELECT name FROM missing ORDER BY 1) AS missing_roles
