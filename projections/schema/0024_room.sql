-- Each authorization changes when its code is redeemed, and with each refresh. With room left in its page, the new row stands beside the
-- old one, and no index is written.
alter table read.authorizations set (fillfactor = 60);
