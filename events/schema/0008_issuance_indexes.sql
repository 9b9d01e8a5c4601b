-- Which tokens a secret got. Tokens of clients without a secret are found by their client, and only for them a second index is written.
create index issuance_secret on log.issuance (secret, position);
create index issuance_public on log.issuance (client, position) where secret = '00000000-0000-0000-0000-000000000000';
