//! The ledger's own records: predictions, how models do, jobs, backtests, alerts, names in doubt.
//!
//! They are no views of the log. Each is written whole under its own identity, so that to write
//! one twice changes nothing.

use marabet_schemas::{Competition, Instant, MatchKey};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::database::Ledger;
use crate::error::LedgerError;

/// The model's view of a coming match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Which match.
    #[serde(rename = "match")]
    pub key: MatchKey,
    /// When it begins.
    pub kickoff: Instant,
    /// The model's number within its competition.
    pub model: u64,
    /// Expected goals of the home side.
    pub lambda: f64,
    /// Expected goals of the away side.
    pub mu: f64,
    /// Probabilities of home, draw, away.
    pub probabilities: [f64; 3],
    /// When it was predicted.
    pub at: Instant,
}

/// How the forecasts of a competition did over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// Which competition.
    pub competition: Competition,
    /// When it was evaluated.
    pub at: Instant,
    /// The first kick-off.
    pub from: Instant,
    /// The last kick-off.
    pub to: Instant,
    /// How many matches.
    pub matches: u32,
    /// Mean ranked probability score; lower is better.
    pub rps: f64,
    /// Mean logarithmic loss; lower is better.
    pub log_loss: f64,
    /// The closing odds' score on the same matches.
    pub rps_close: Option<f64>,
    /// The score has become worse than chance explains.
    pub drifted: bool,
}

/// A job as it ended, or as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Its identity.
    pub id: String,
    /// What kind of job.
    pub kind: String,
    /// In which queue.
    pub queue: String,
    /// `done`, `dead`, `cancelled`.
    pub state: String,
    /// How often it was begun.
    pub attempt: u32,
    /// When it was asked for.
    pub enqueued_at: Instant,
    /// When it was last begun.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// What was asked for, JSON.
    pub args: String,
    /// What came of it, JSON.
    pub result: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// A backtest that was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BacktestRun {
    /// Its identity.
    pub id: String,
    /// Of which strategy, or which sweep.
    pub name: String,
    /// When.
    pub at: Instant,
    /// With what, JSON.
    pub parameters: String,
    /// How many bets.
    pub bets: u64,
    /// Realised yield.
    pub yield_: Option<f64>,
    /// Mean closing-line value.
    pub clv: Option<f64>,
    /// Where the report is.
    pub report: String,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// On which channel.
    pub channel: String,
    /// Of what: `bet:<id>`, `report:<week>`, `error:<kind>`.
    pub subject: String,
    /// `sent`, `expired`, `unknown`, …
    pub state: String,
    /// Since when.
    pub at: Instant,
    /// How often it was tried.
    pub attempts: u16,
    /// What went wrong last.
    pub note: Option<String>,
}

/// A source's name for a team, which a person has to resolve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameReview {
    /// The source.
    pub source: String,
    /// In which competition.
    pub competition: String,
    /// The name as it says it.
    pub name: String,
    /// Teams that it may be, best first, JSON.
    pub candidates: String,
    /// When it was first seen.
    pub seen_at: Instant,
    /// Which team it is, once decided.
    pub team: Option<String>,
}

const PREDICTION: &str = "INSERT INTO predictions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
     ON CONFLICT (match_key) DO UPDATE SET kickoff = excluded.kickoff, model = excluded.model, \
     lambda = excluded.lambda, mu = excluded.mu, p_home = excluded.p_home, \
     p_draw = excluded.p_draw, p_away = excluded.p_away, predicted_at = excluded.predicted_at";
const JOB: &str = "INSERT INTO jobs VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempt = excluded.attempt, \
     started_at = excluded.started_at, ended_at = excluded.ended_at, result = excluded.result, \
     error = excluded.error";
const NOTIFICATION: &str = "INSERT INTO notifications VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (channel, subject) DO UPDATE SET state = excluded.state, at = excluded.at, \
     attempts = excluded.attempts, note = excluded.note";

impl Ledger {
    /// Writes predictions; the last of each match stands.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn put_predictions(&self, predictions: &[Prediction]) -> Result<(), LedgerError> {
        self.put_all(predictions, async |to, one| {
            sqlx::query(PREDICTION)
                .bind(one.key.as_str())
                .bind(one.key.competition().to_string())
                .bind(one.kickoff.micros())
                .bind(one.model.cast_signed())
                .bind(one.lambda)
                .bind(one.mu)
                .bind(one.probabilities[0])
                .bind(one.probabilities[1])
                .bind(one.probabilities[2])
                .bind(one.at.micros())
                .execute(to)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Writes how forecasts did.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn put_performance(&self, all: &[Performance]) -> Result<(), LedgerError> {
        self.put_all(all, async |to, one| {
            sqlx::query(
                "INSERT INTO performance VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(one.competition.as_str())
            .bind(one.at.micros())
            .bind(one.from.micros())
            .bind(one.to.micros())
            .bind(i64::from(one.matches))
            .bind(one.rps)
            .bind(one.log_loss)
            .bind(one.rps_close)
            .bind(i64::from(one.drifted))
            .execute(to)
            .await
            .map(|_| ())
        })
        .await
    }

    /// How the forecasts of a competition did, newest first, at most `count`.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn performance(
        &self,
        competition: &Competition,
        count: u16,
    ) -> Result<Vec<Performance>, LedgerError> {
        let query = sqlx::query(
            "SELECT * FROM performance WHERE competition = $1 ORDER BY evaluated_at DESC LIMIT $2",
        );
        let rows = query.bind(competition.as_str()).bind(i64::from(count)).fetch_all(&self.pool);
        rows.await
            .and_then(|rows| rows.iter().map(performance).collect())
            .map_err(|error| self.fault(&error))
    }

    /// Writes jobs as they ended.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn put_jobs(&self, jobs: &[JobRecord]) -> Result<(), LedgerError> {
        self.put_all(jobs, async |to, one| {
            sqlx::query(JOB)
                .bind(&*one.id)
                .bind(&*one.kind)
                .bind(&*one.queue)
                .bind(&*one.state)
                .bind(i64::from(one.attempt))
                .bind(one.enqueued_at.micros())
                .bind(one.started_at.map(Instant::micros))
                .bind(one.ended_at.map(Instant::micros))
                .bind(&*one.args)
                .bind(one.result.as_deref())
                .bind(one.error.as_deref())
                .execute(to)
                .await
                .map(|_| ())
        })
        .await
    }

    /// The jobs that ended last, newest first, at most `count`.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn jobs(&self, count: u16) -> Result<Vec<JobRecord>, LedgerError> {
        let query = sqlx::query("SELECT * FROM jobs ORDER BY ended_at DESC, id LIMIT $1");
        let rows = query.bind(i64::from(count)).fetch_all(&self.pool);
        rows.await
            .and_then(|rows| rows.iter().map(job).collect())
            .map_err(|error| self.fault(&error))
    }

    /// Writes a backtest.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn put_backtest(&self, run: &BacktestRun) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "INSERT INTO backtest_runs VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT DO NOTHING",
        );
        let written = query
            .bind(&*run.id)
            .bind(&*run.name)
            .bind(run.at.micros())
            .bind(&*run.parameters)
            .bind(run.bets.cast_signed())
            .bind(run.yield_)
            .bind(run.clv)
            .bind(&*run.report)
            .execute(&self.pool);
        written.await.map(|_| ()).map_err(|error| self.fault(&error))
    }

    /// Writes what became of alerts.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn put_notifications(&self, all: &[Notification]) -> Result<(), LedgerError> {
        self.put_all(all, async |to, one| {
            sqlx::query(NOTIFICATION)
                .bind(&*one.channel)
                .bind(&*one.subject)
                .bind(&*one.state)
                .bind(one.at.micros())
                .bind(i64::from(one.attempts))
                .bind(one.note.as_deref())
                .execute(to)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Puts a name into the review queue, unless it is there.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn put_name(&self, review: &NameReview) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "INSERT INTO name_reviews (source, competition, name, candidates, seen_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        );
        let written = query
            .bind(&*review.source)
            .bind(&*review.competition)
            .bind(&*review.name)
            .bind(&*review.candidates)
            .bind(review.seen_at.micros())
            .execute(&self.pool);
        written.await.map(|_| ()).map_err(|error| self.fault(&error))
    }

    /// Decides which team a name is. False when the queue has no such name.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn decide_name(
        &self,
        review: &NameReview,
        team: &str,
        at: Instant,
    ) -> Result<bool, LedgerError> {
        let query = sqlx::query(
            "UPDATE name_reviews SET team = $1, decided_at = $2 \
             WHERE source = $3 AND competition = $4 AND name = $5",
        );
        let decided = query
            .bind(team)
            .bind(at.micros())
            .bind(&*review.source)
            .bind(&*review.competition)
            .bind(&*review.name)
            .execute(&self.pool);
        let decided = decided.await.map_err(|error| self.fault(&error))?;
        Ok(decided.rows_affected() == 1)
    }

    /// The names that are not decided, oldest first.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn names_in_doubt(&self) -> Result<Vec<NameReview>, LedgerError> {
        let query =
            sqlx::query("SELECT * FROM name_reviews WHERE team IS NULL ORDER BY seen_at, name");
        let rows = query.fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(name_review).collect())
            .map_err(|error| self.fault(&error))
    }

    /// Writes all of them, or none.
    async fn put_all<T>(
        &self,
        all: &[T],
        put: impl AsyncFn(&mut AnyConnection, &T) -> Result<(), sqlx::Error>,
    ) -> Result<(), LedgerError> {
        let fault = |error: sqlx::Error| self.fault(&error);
        let mut to = self.begin().await?;
        for one in all {
            put(&mut to, one).await.map_err(fault)?;
        }
        to.commit().await.map_err(fault)
    }
}

/// An instant of a column.
pub(crate) fn instant(row: &AnyRow, column: &str) -> Result<Instant, sqlx::Error> {
    row.try_get(column).map(Instant::from_micros)
}

/// A count of a column; what was written was one.
fn count<T: TryFrom<i64> + Default>(row: &AnyRow, column: &str) -> Result<T, sqlx::Error> {
    row.try_get::<i64, _>(column).map(|count| T::try_from(count).unwrap_or_default())
}

fn performance(row: &AnyRow) -> Result<Performance, sqlx::Error> {
    Ok(Performance {
        competition: Competition::new(row.try_get::<String, _>("competition")?),
        at: instant(row, "evaluated_at")?,
        from: instant(row, "from_at")?,
        to: instant(row, "to_at")?,
        matches: count(row, "matches")?,
        rps: row.try_get("rps")?,
        log_loss: row.try_get("log_loss")?,
        rps_close: row.try_get("rps_close")?,
        drifted: row.try_get::<i64, _>("drifted")? != 0,
    })
}

fn job(row: &AnyRow) -> Result<JobRecord, sqlx::Error> {
    let moment =
        |column| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Instant::from_micros));
    Ok(JobRecord {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        queue: row.try_get("queue")?,
        state: row.try_get("state")?,
        attempt: count(row, "attempt")?,
        enqueued_at: instant(row, "enqueued_at")?,
        started_at: moment("started_at")?,
        ended_at: moment("ended_at")?,
        args: row.try_get("args")?,
        result: row.try_get("result")?,
        error: row.try_get("error")?,
    })
}

fn name_review(row: &AnyRow) -> Result<NameReview, sqlx::Error> {
    Ok(NameReview {
        source: row.try_get("source")?,
        competition: row.try_get("competition")?,
        name: row.try_get("name")?,
        candidates: row.try_get("candidates")?,
        seen_at: instant(row, "seen_at")?,
        team: row.try_get("team")?,
    })
}
