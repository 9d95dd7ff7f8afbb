//! Grants, told to people.
//!
//! A [`Notifier`] takes the grants of one [`Channel`] in order, and [`run`] brings them to it from
//! the log. It reads the wall clock: a grant
//! whose quote is too old or whose match has begun is recorded as expired and never told as new.
//! What became of each bet is kept in the [`outbox`], so that a bet is told once, except within a
//! window that is written down there.
//!
//! A grant of nothing is recorded and not told. A later revision of a bet that was told changes
//! nothing: it is the same bet.
//!
//! This crate knows no strategy and no price; what it tells stands in the grant.

mod announcement;
mod audience;
mod breaker;
mod channel;
pub mod clock;
pub mod commands;
mod console;
pub mod email;
pub mod equity;
mod errors;
mod file;
mod http;
mod log_outbox;
mod message;
mod notifier;
pub mod outbox;
pub mod pace;
mod portuguese;
pub mod report;
mod run;
pub mod secret;
pub mod settled;
pub mod telegram;
pub mod voice;
pub mod webhook;
pub mod words;

pub use announcement::Announcement;
pub use audience::{Audience, NoQuiet, Quiet};
pub use breaker::Breaker;
pub use channel::{Channel, SendError};
pub use console::Console;
pub use errors::ErrorAlerts;
pub use file::{FileChannel, OpenError};
pub use log_outbox::LogOutbox;
pub use message::{Button, Message, Picture};
pub use notifier::{Notifier, NotifierOptions, Told};
pub use run::{group, run, run_settled, settled_group};
