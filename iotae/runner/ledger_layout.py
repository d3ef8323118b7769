"""The tables of the file that holds a broker's rows."""

from __future__ import annotations

from iotae.runner.database import Layout

__all__ = ["LAYOUT"]

LAYOUT = Layout(
    kind=0x696F7401,
    schema="""
create table rows (
    device text not null, seq integer not null, cells text not null, score real not null,
    alarm integer not null, threshold real, reason text not null, taken real not null,
    part integer not null default 0, primary key (device, part, seq)
) without rowid;
create index alarms on rows (taken) where alarm;
create index taken on rows (taken);
create table devices (
    device text primary key, last_seq integer not null, part integer not null default 0,
    latest text not null default '[]'
) without rowid;
create table partitions (part integer primary key, next integer not null);
create table unsent (id integer primary key, device text not null, seq integer not null, body text not null);
create table refused (
    id integer primary key, device text not null, seq integer not null, body text not null,
    reason text not null, refused real not null
);
create table aside (reason text primary key, n integer not null) without rowid;
create table models (number integer primary key, state blob not null);
create table model (one integer primary key check (one = 1), state blob not null)
""",
    version=3,
    upgrades={
        # its rows keep a key without their part, which is 0 for all of them
        1: """
alter table rows add column part integer not null default 0;
alter table devices add column part integer not null default 0;
create index taken on rows (taken);
create table partitions (part integer primary key, next integer not null);
create table models (number integer primary key, state blob not null)
""",
        2: """
alter table devices add column latest text not null default '[]';
create table refused (
    id integer primary key, device text not null, seq integer not null, body text not null,
    reason text not null, refused real not null
)
""",
    },
)
