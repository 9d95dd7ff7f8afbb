//! `marabet status`

use std::io::{self, Write};

use marabet_streams::status::Status;
use serde::Serialize;

use crate::config::Config;
use crate::line::open;
use crate::output::{Answer, say};

/// The state of the log.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Status);

pub(super) async fn execute(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let status = opened.log.status().await;
    opened.close().await?;
    say(&Shown(status?), json)
}

impl Answer for Shown {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.0;
        let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        write!(out, "{} at {}, {:.1} MB", all.server, all.at, megabytes(all.memory_used))?;
        if let Some(most) = all.memory_max {
            write!(out, " of {:.0} MB", megabytes(most))?;
        }
        writeln!(out, "; namespace {}, {} partitions", all.namespace, all.partitions)?;
        if all.nodes.len() > 1 {
            for node in &all.nodes {
                let used = megabytes(node.memory_used);
                writeln!(out, "  node {}: {used:.1} MB, {} replicas", node.at, node.replicas)?;
            }
        }
        for process in &all.processes {
            let (runs, level) = (process.runs.join(", "), process.schema_level);
            writeln!(out, "  process {}: {runs}; schema level {level}", process.name)?;
        }
        writeln!(
            out,
            "{:<8} {:>4} {:>8} {:>9}  {:<16} {:>6} {:>8} {:>6}  owner",
            "stream", "part", "frames", "MB", "group", "lag", "pending", "dead"
        )?;
        for stream in &all.streams {
            let partition = stream.partition.map_or("–".to_owned(), |at| at.to_string());
            let memory = megabytes(stream.memory);
            let head =
                format!("{:<8} {partition:>4} {:>8} {memory:>9.2}", stream.stream, stream.length);
            if stream.groups.is_empty() {
                writeln!(out, "{head}  no group reads it")?;
            }
            for group in &stream.groups {
                let counted = if group.lag_counted { "*" } else { "" };
                writeln!(
                    out,
                    "{head}  {:<16} {:>6} {:>8} {:>6}  {}",
                    group.group,
                    format!("{}{counted}", group.lag),
                    group.pending,
                    group.dead,
                    group.owner.as_deref().unwrap_or("nobody")
                )?;
            }
        }
        if let Some(held_up) = &all.held_up {
            writeln!(out, "new facts wait for {held_up}")?;
        }
        match &all.slowest {
            Some(slowest) => writeln!(out, "behind: {slowest}"),
            None => writeln!(out, "every group has caught up"),
        }
    }
}
