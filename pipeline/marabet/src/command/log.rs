//! `marabet log …`

use std::io::{self, Write};

use marabet_streams::{Log, LogError, SCHEMA_LEVEL, Stream};
use serde::Serialize;

use crate::cli::LogCommand;
use crate::config::Config;
use crate::line::open;
use crate::output::{Answer, say};

/// What was done, or found.
#[derive(Serialize)]
#[serde(untagged)]
enum Done {
    Level { schema_level: u16, program_schema_level: u16 },
    Dropped { stream: String, group: String, partitions: usize },
    Reset { stream: String, group: String, partitions: Vec<u16> },
}

pub(super) async fn execute(
    command: &LogCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let done = carry_out(&opened.log, command).await;
    opened.close().await?;
    say(&done?, json)
}

async fn carry_out(log: &Log, command: &LogCommand) -> anyhow::Result<Done> {
    match command {
        LogCommand::SchemaLevel { level } => {
            if let Some(level) = level {
                log.raise_schema_level(*level).await?;
            }
            let schema_level = log.schema_level().await?;
            Ok(Done::Level { schema_level, program_schema_level: SCHEMA_LEVEL })
        }
        LogCommand::DropGroup { stream, group } => {
            let partitions = log.drop_group(stream_of(stream)?, group).await?;
            Ok(Done::Dropped { stream: stream.clone(), group: group.clone(), partitions })
        }
        LogCommand::ResetGroup { stream, group } => {
            let partitions = log.reset_group(stream_of(stream)?, group).await?;
            Ok(Done::Reset { stream: stream.clone(), group: group.clone(), partitions })
        }
    }
}

fn stream_of(name: &str) -> Result<Stream, LogError> {
    Stream::from_name(name).ok_or_else(|| {
        LogError::Asked(format!("there is no stream `{name}`; say feed, priced, bets or grants"))
    })
}

impl Answer for Done {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Level { schema_level, program_schema_level } => {
                writeln!(
                    out,
                    "schema level {schema_level}; this program knows {program_schema_level}"
                )
            }
            Self::Dropped { stream, group, partitions } => {
                writeln!(out, "group {group} is gone from {partitions} partitions of {stream}")
            }
            Self::Reset { stream, group, partitions } if partitions.is_empty() => {
                writeln!(out, "group {group} stands nowhere above the end of {stream}")
            }
            Self::Reset { stream, group, partitions } => {
                let list: Vec<String> = partitions.iter().map(ToString::to_string).collect();
                let list = list.join(", ");
                writeln!(out, "group {group} goes on at the end of {stream} in partitions {list}")
            }
        }
    }
}
