-- Once, in the service's database, by the owner of the table. wal_level must be logical.
-- Rows are only ever inserted, into partitions that come and go: all of them are told as the one table.
CREATE PUBLICATION mainstay_outbox FOR TABLE outbox_event WITH (publish = 'insert', publish_via_partition_root = true);
