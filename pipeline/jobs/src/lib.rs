//! Jobs: work that takes its time, done in the background, durably.
//!
//! A [`Job`] is a kind of work. [`Queues::enqueue`] puts one into a named queue, a [`Worker`]
//! takes it out and runs it, and a [`Scheduler`] asks for those that are due. Queues are Redis
//! Streams with a consumer group; what is known of a job is a hash beside them, and whatever must
//! change at once changes in one script (`lua/`).
//!
//! **A job is run at least once.** A run has a fence and a deadline that its worker pushes on. A
//! worker that goes away misses its deadline; then another run begins under a new fence, and what
//! the old one still says is refused: a job *ends* once. A job that must not *act* twice makes
//! what it does depend on [`Run::id`], which stays the same.
//!
//! The crate knows no particular job, and nothing of bets.

pub mod clock;
mod error;
mod job;
mod new_job;
pub mod plan;
mod queues;
mod registry;
mod run;
mod scheduler;
mod script;
mod state;
mod worker;

pub use error::JobsError;
pub use job::{Job, JobError, JobRules};
pub use new_job::{NewJob, Priority};
pub use plan::{Plan, PlanError};
pub use queues::{Counts, Queues};
pub use registry::{Registry, Unknown};
pub use run::Run;
pub use scheduler::{Scheduler, Upcoming};
pub use state::{JobState, JobView};
pub use worker::{QUEUES, Worker, WorkerOptions};
