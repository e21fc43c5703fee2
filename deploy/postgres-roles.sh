#!/bin/sh
# Makes the three roles of the server and its database, once, as an administrator of PostgreSQL 15 or newer. The postgres
# image runs it on an empty volume; elsewhere run it with PGHOST, PGUSER and PGPASSWORD set.
# Passwords come from OWNER_PASSWORD, APP_PASSWORD and GATE_PASSWORD.
set -eu
: "${OWNER_PASSWORD:?}" "${APP_PASSWORD:?}" "${GATE_PASSWORD:?}"

# The passwords are read inside psql: arguments are visible to every user of the machine.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-${PGUSER:-postgres}}" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv gate_password GATE_PASSWORD

-- A statement that is logged would show its password.
set log_statement = none;
set log_min_error_statement = panic;
create role owner login password :'owner_password';
create role app login noinherit password :'app_password';
create role gate login password :'gate_password';
grant gate to app;

create database app owner owner;
revoke all on database app from public;
grant connect on database app to app, gate;
SQL
