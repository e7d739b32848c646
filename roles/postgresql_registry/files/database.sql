-- Copyright (c) 2026, the rubin.butler developers
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What is in the way of what is wanted in this database.
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(wanted)s::json) AS w (name text, owner text, reader text, namespaces json)
    WHERE name = current_database()
),
namespaces AS (
    SELECT namespace, owner FROM wanted, json_array_elements_text(namespaces) AS namespace
),
present AS (
    SELECT n.namespace, n.owner AS wanted_owner, s.oid, pg_get_userbyid(s.nspowner) AS owner
    FROM namespaces AS n JOIN pg_namespace AS s ON s.nspname = n.namespace
),
me AS (
    SELECT rolname, rolsuper,
        rolsuper OR has_database_privilege(current_database(), 'CREATE') AS may_create
    FROM pg_roles WHERE rolname = current_user
),
-- Who may change rights in the database: its owner, or who can become that.
ruler AS (
    SELECT rolsuper OR pg_has_role(d.datdba, 'USAGE')
        OR pg_get_userbyid(d.datdba) IN (SELECT owner FROM wanted)
            AND (pg_has_role(d.datdba, 'MEMBER WITH ADMIN OPTION')
                OR rolcreaterole AND current_setting('server_version_num')::int < 160000) AS may_grant,
        datacl, datdba
    FROM pg_database AS d, pg_roles
    WHERE datname = current_database() AND rolname = current_user
),
problem (said) AS (
    SELECT 'the namespace "' || namespace || '" is owned by "' || owner || '", not by "' || wanted_owner
        || '". Name another namespace, or let an administrator hand it over: ALTER SCHEMA ' || quote_ident(namespace)
        || ' OWNER TO ' || quote_ident(wanted_owner) || ';'
    FROM present WHERE owner <> wanted_owner
    UNION ALL
    SELECT 'in the namespace "' || p.namespace || '" ' || count(*) || ' tables are owned by "'
        || pg_get_userbyid(c.relowner) || '", not by "' || p.wanted_owner || '". Let an administrator hand them over,'
        || ' with all else that this login has in this database: REASSIGN OWNED BY '
        || quote_ident(pg_get_userbyid(c.relowner)) || ' TO ' || quote_ident(p.wanted_owner) || ';'
    FROM present AS p JOIN pg_class AS c ON c.relnamespace = p.oid AND c.relkind IN ('r', 'p', 'S', 'v')
    WHERE p.owner = p.wanted_owner AND pg_get_userbyid(c.relowner) <> p.wanted_owner
    GROUP BY p.namespace, p.wanted_owner, c.relowner
    UNION ALL
    SELECT 'the namespace "' || namespace || '" is not there, and ' || quote_ident(rolname)
        || ' may not create it. An administrator runs: CREATE SCHEMA ' || quote_ident(namespace)
        || ' AUTHORIZATION ' || quote_ident(owner) || ';'
    FROM namespaces, me WHERE NOT may_create AND namespace NOT IN (SELECT nspname FROM pg_namespace)
    UNION ALL
    SELECT 'the extension btree_gist, which Butler needs, is not there, and ' || quote_ident(rolname)
        || ' may not create it. An administrator runs: CREATE EXTENSION btree_gist;'
    FROM me
    WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist')
        AND NOT (rolsuper OR may_create AND EXISTS (
            SELECT FROM pg_available_extension_versions WHERE name = 'btree_gist' AND trusted))
    UNION ALL
    SELECT 'the role "' || role || '" has not the right ' || privilege || ', and ' || quote_ident(rolname)
        || ' may not give it. An administrator runs: GRANT ' || privilege || ' ON DATABASE ' || quote_ident(current_database())
        || ' TO ' || quote_ident(role) || ';'
    FROM (SELECT owner FROM wanted UNION SELECT reader FROM wanted) AS r (role),
        (VALUES ('CONNECT'), ('TEMPORARY')) AS p (privilege), me, ruler
    WHERE NOT may_grant AND NOT has_database_privilege(current_database(), privilege || ' WITH GRANT OPTION')
        AND NOT has_database_privilege(
            CASE WHEN role IN (SELECT g.rolname FROM pg_roles AS g) THEN role ELSE 'public' END, current_database(), privilege)
    UNION ALL
    SELECT 'everybody (PUBLIC) has rights, and ' || quote_ident(me.rolname) || ' may not take them away. Set '
        || 'postgresql_registry_revoke_public to false, or let an administrator run: REVOKE ALL ON DATABASE '
        || quote_ident(current_database()) || ' FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;'
    FROM me, ruler
    WHERE %(revoke_public)s AND (
        NOT may_grant AND EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
        OR EXISTS (
            SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS given
            WHERE nspname = 'public' AND given.grantee = 0 AND NOT pg_has_role(nspowner, 'USAGE')
                AND NOT (may_grant AND pg_get_userbyid(nspowner) = 'pg_database_owner')))
)
SELECT ARRAY(SELECT 'in the database "' || current_database() || '": ' || said FROM problem ORDER BY 1) AS problems
