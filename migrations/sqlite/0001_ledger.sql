-- The ledger: views of the log in SQL, and the records of jobs, backtests and alerts.
-- Instants are microseconds since 1970-01-01T00:00:00Z, money is in hundredths of the currency,
-- odds are decimal, probabilities and shares lie in 0..1.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- How far each stream is taken in. A row is written in the transaction of what was taken.
CREATE TABLE offsets (
    stream TEXT NOT NULL, partition BIGINT NOT NULL,
    entry_ms BIGINT NOT NULL, entry_seq BIGINT NOT NULL,
    PRIMARY KEY (stream, partition)
);

-- Lines of the log that are no events.
CREATE TABLE rejects (address TEXT PRIMARY KEY, line TEXT NOT NULL, reason TEXT NOT NULL);

-- Bets as first found; `shown_*` is what the last revision shows.
CREATE TABLE bets (
    bet TEXT PRIMARY KEY, strategy TEXT NOT NULL, match_key TEXT NOT NULL,
    competition TEXT NOT NULL, book TEXT NOT NULL, market TEXT NOT NULL, selection TEXT NOT NULL,
    odds DOUBLE PRECISION NOT NULL, net_odds DOUBLE PRECISION NOT NULL,
    fair_source TEXT NOT NULL, fair_probability DOUBLE PRECISION NOT NULL,
    ev DOUBLE PRECISION NOT NULL, stake_share DOUBLE PRECISION NOT NULL,
    config BIGINT NOT NULL, model BIGINT, found_at BIGINT NOT NULL, quoted_at BIGINT NOT NULL,
    kickoff BIGINT NOT NULL, expires BIGINT NOT NULL, revision BIGINT NOT NULL,
    shown_book TEXT NOT NULL, shown_odds DOUBLE PRECISION NOT NULL, address TEXT NOT NULL
);
CREATE INDEX bets_found ON bets (found_at);
CREATE INDEX bets_match ON bets (match_key);

-- Stakes as granted: what was alerted.
CREATE TABLE grants (
    bet TEXT PRIMARY KEY, strategy TEXT NOT NULL, granted_at BIGINT NOT NULL,
    stake BIGINT NOT NULL, asked BIGINT NOT NULL, bankroll BIGINT NOT NULL,
    currency TEXT NOT NULL, capped_by TEXT NOT NULL
);

-- What the user did: `placed` or `skipped` is the last word, `void_at` is set by the book's.
CREATE TABLE placements (
    bet TEXT PRIMARY KEY, word TEXT, said_at BIGINT, book TEXT,
    odds DOUBLE PRECISION, net_odds DOUBLE PRECISION, stake BIGINT, void_at BIGINT, reason TEXT
);

-- How bets ended, with every correction.
CREATE TABLE settlements (
    bet TEXT NOT NULL, revision BIGINT NOT NULL, strategy TEXT NOT NULL,
    settled_at BIGINT NOT NULL, outcome TEXT NOT NULL, profit DOUBLE PRECISION NOT NULL,
    net_odds DOUBLE PRECISION NOT NULL, claimed_ev DOUBLE PRECISION NOT NULL,
    clv DOUBLE PRECISION, clv_fallback BIGINT NOT NULL, score TEXT, reason TEXT,
    PRIMARY KEY (bet, revision)
);
CREATE INDEX settlements_at ON settlements (settled_at);

-- What each strategy started with.
CREATE TABLE accounts (
    strategy TEXT PRIMARY KEY, start BIGINT NOT NULL, currency TEXT NOT NULL, config BIGINT NOT NULL
);

-- The commission of each book, from the instant at which rules named it.
CREATE TABLE commissions (
    book TEXT NOT NULL, since BIGINT NOT NULL, commission DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (book, since)
);

-- The bankroll: every movement of a strategy's money, one a deposit and one a settled bet.
CREATE TABLE movements (
    id TEXT PRIMARY KEY, strategy TEXT NOT NULL, moved_at BIGINT NOT NULL,
    cause TEXT NOT NULL, amount BIGINT NOT NULL, note TEXT
);
CREATE INDEX movements_at ON movements (moved_at);

CREATE TABLE models (
    competition TEXT NOT NULL, number BIGINT NOT NULL, hash TEXT NOT NULL, family TEXT NOT NULL,
    trained_from BIGINT NOT NULL, trained_to BIGINT NOT NULL, matches BIGINT NOT NULL,
    published_at BIGINT NOT NULL, PRIMARY KEY (competition, number)
);

-- Below: records that are no views of the log, and that a rebuild leaves alone.

-- The model's last view of each coming match.
CREATE TABLE predictions (
    match_key TEXT PRIMARY KEY, competition TEXT NOT NULL, kickoff BIGINT NOT NULL,
    model BIGINT NOT NULL, lambda DOUBLE PRECISION NOT NULL, mu DOUBLE PRECISION NOT NULL,
    p_home DOUBLE PRECISION NOT NULL, p_draw DOUBLE PRECISION NOT NULL,
    p_away DOUBLE PRECISION NOT NULL, predicted_at BIGINT NOT NULL
);

-- How forecasts did, by competition and period.
CREATE TABLE performance (
    competition TEXT NOT NULL, evaluated_at BIGINT NOT NULL, from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL, matches BIGINT NOT NULL, rps DOUBLE PRECISION NOT NULL,
    log_loss DOUBLE PRECISION NOT NULL, rps_close DOUBLE PRECISION, drifted BIGINT NOT NULL,
    PRIMARY KEY (competition, evaluated_at)
);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, queue TEXT NOT NULL, state TEXT NOT NULL,
    attempt BIGINT NOT NULL, enqueued_at BIGINT NOT NULL, started_at BIGINT, ended_at BIGINT,
    args TEXT NOT NULL, result TEXT, error TEXT
);
CREATE INDEX jobs_ended ON jobs (ended_at);

CREATE TABLE backtest_runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, ran_at BIGINT NOT NULL, parameters TEXT NOT NULL,
    bets BIGINT NOT NULL, yield DOUBLE PRECISION, clv DOUBLE PRECISION, report TEXT NOT NULL
);

CREATE TABLE notifications (
    channel TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, at BIGINT NOT NULL,
    attempts BIGINT NOT NULL, note TEXT, PRIMARY KEY (channel, subject)
);

-- Names of teams that a source uses and that a person has to resolve.
CREATE TABLE name_reviews (
    source TEXT NOT NULL, competition TEXT NOT NULL, name TEXT NOT NULL,
    candidates TEXT NOT NULL, seen_at BIGINT NOT NULL, team TEXT, decided_at BIGINT,
    PRIMARY KEY (source, competition, name)
);
