//! The crash test: processes that run the stages are killed at random moments under load, and so
//! is Redis, twice with the end of its file cut off. Afterwards the derived streams equal the
//! stages applied to the feed, event by event, and the feed holds each fact once, in order.
//!
//! `MARABET_CRASH_SEED` repeats a run's schedule, `MARABET_CRASH_KILLS` makes it longer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "it is its own harness")]

mod campaign;
mod chance;
mod check;
mod process;
mod stages;

use campaign::Campaign;

const NAME: &str = "whatever_is_killed_nothing_is_lost_and_nothing_doubled";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run-the-stages", url] => process::run(url),
        // What test runners ask first.
        _ if words.iter().any(|word| word == "--list") => {
            if !words.iter().any(|word| word == "--ignored") {
                println!("{NAME}: test");
            }
        }
        _ => {
            let number = |name: &str, default| {
                std::env::var(name).map_or(default, |text| text.parse().unwrap())
            };
            let campaign = Campaign {
                seed: number("MARABET_CRASH_SEED", u64::from(std::process::id())),
                kills: number("MARABET_CRASH_KILLS", 56),
            };
            println!("seed {}", campaign.seed);
            println!("{}", campaign.run());
        }
    }
}
