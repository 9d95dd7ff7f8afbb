//! Which season the demo streams, and where it comes from: a folder, the site, or the simulator.

use marabet_ingest::football_data::{Timeline, Timing};
use marabet_ingest::seasons::{self, Choice, Wish};
use marabet_ingest::simulator::Settings;
use marabet_ingest::{RejectCounts, RejectWriter};
use marabet_schemas::{Competition, Event};

use crate::cli::DemoArgs;
use crate::command::simulation;

/// A season to stream, with what is known before it.
pub(super) struct Season {
    /// Its name, for people.
    pub(super) name: String,
    /// `files`, `fetched` or `simulated`.
    pub(super) origin: &'static str,
    /// Facts of earlier seasons, to train on.
    pub(super) before: Vec<Event>,
    /// The season's facts, in canonical order.
    pub(super) facts: Vec<Event>,
    /// Rows and cells that could not be read; they are kept in `rejects.ndjson`.
    pub(super) rejects: u64,
}

/// Where the rejects of a demo are kept, beside its log.
const REJECTS: &str = "rejects.ndjson";

/// The season that the arguments ask for. The demo's folder is there.
pub(super) async fn find(arguments: &DemoArgs, quiet: bool) -> anyhow::Result<Season> {
    if arguments.simulate {
        return simulated(arguments);
    }
    let wish = Wish {
        competition: Competition::new(&arguments.league),
        season: arguments.season.clone(),
        ..Wish::default()
    };
    if let Some(data) = &arguments.data {
        let choice = seasons::choose(std::slice::from_ref(data), &wish)?;
        return load(&choice, "files", arguments);
    }
    match super::fetched::choose(wish).await {
        Ok(choice) => load(&choice, "fetched", arguments),
        Err(reason) => {
            if !quiet {
                tell_simulated(&reason);
            }
            simulated(arguments)
        }
    }
}

#[allow(clippy::print_stderr, reason = "a person should know why this is no real season")]
fn tell_simulated(reason: &anyhow::Error) {
    eprintln!(
        "no real season: {reason}\n\
         a SIMULATED league follows; for real ones name a folder of football-data.co.uk files \
         with --data or MARABET_DATA"
    );
}

fn load(choice: &Choice, origin: &'static str, arguments: &DemoArgs) -> anyhow::Result<Season> {
    let rejects = std::fs::File::create(arguments.folder.join(REJECTS))?;
    let mut rejects = RejectWriter::new(std::io::BufWriter::new(rejects));
    let timeline = choice.load(Timing::default(), &mut rejects)?;
    let rejects = rejects.finish()?;
    Ok(split(&timeline, choice, origin, &rejects))
}

/// The season's facts apart from those before it.
fn split(
    timeline: &Timeline,
    choice: &Choice,
    origin: &'static str,
    rejects: &RejectCounts,
) -> Season {
    let streamed = &choice.streamed.season;
    let of_season = |event: &Event| event.key.as_ref().is_some_and(|key| key.season() == streamed);
    let (facts, before) = timeline.events().partition(of_season);
    Season {
        name: format!("{} {streamed}", choice.streamed.competition),
        origin,
        before,
        facts,
        rejects: rejects.rows_total() + rejects.cells_total(),
    }
}

/// Seasons of the simulated league, of which the last is streamed.
const SIMULATED: u8 = 4;

fn simulated(arguments: &DemoArgs) -> anyhow::Result<Season> {
    let sides = Settings::default().sides;
    let league = simulation(arguments.seed, SIMULATED, sides)?;
    let last = league.truths().last().map(|truth| truth.key.season().to_owned());
    let last = last.unwrap_or_default();
    let of_season =
        |event: &Event| event.key.as_ref().is_some_and(|key| key.season() == last.as_str());
    let (facts, before) = league.events().partition(of_season);
    let name = format!("simulated league {last}, seed {}", arguments.seed);
    Ok(Season { name, origin: "simulated", before, facts, rejects: 0 })
}
