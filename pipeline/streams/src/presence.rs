//! Who is alive, and which events they can read.
//!
//! A process that runs anything says so again and again. A new version of an event may be
//! written only when every process that may meet it can read it: that is what the namespace's
//! **schema level** says. It is raised by a person, once the last old process has gone, and
//! never lowered. A program that meets what it cannot read gives the partition up and waits.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::LogError;
use crate::lease::LEASE_LENGTH;
use crate::log::Log;
use crate::script::MEMBERS;
use crate::shutdown::Shutdown;

/// The newest schema level whose events this program can read and write.
pub const SCHEMA_LEVEL: u16 = 1;

/// The name under which processes, not a stage's members, are kept.
const PROCESSES: &str = "processes";

/// A process that is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Process {
    /// Its name, as the leases have it.
    pub name: String,
    /// The schema level that it can read.
    pub schema_level: u16,
    /// What it runs.
    pub runs: Vec<String>,
}

impl Process {
    /// One line that names all of it; its own name last, which may hold anything.
    fn to_member(&self) -> String {
        format!("{} {} {}", self.schema_level, self.runs.join(","), self.name)
    }

    fn from_member(member: &str) -> Option<Self> {
        let mut words = member.splitn(3, ' ');
        let (level, runs, name) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            name: name.to_owned(),
            schema_level: level.parse().ok()?,
            runs: runs.split(',').map(str::to_owned).collect(),
        })
    }
}

impl Log {
    /// Says that this process is alive and what it runs, until asked to end. Redis being away
    /// passes.
    ///
    /// # Errors
    /// An answer that Redis should not give.
    pub async fn be_present(&self, runs: &[&str], mut shutdown: Shutdown) -> Result<(), LogError> {
        let runs = runs.iter().map(|&name| name.to_owned()).collect();
        let name = self.owner().to_owned();
        let member = Process { name, schema_level: SCHEMA_LEVEL, runs }.to_member();
        while !shutdown.is_asked() {
            match self.beat(&member, LEASE_LENGTH).await {
                Err(error) if !error.is_transient() => return Err(error),
                _ => {}
            }
            shutdown.unless_asked(tokio::time::sleep(LEASE_LENGTH / 3)).await;
        }
        // One that does not leave is taken for dead a little later.
        let _ = self.beat(&member, Duration::ZERO).await;
        Ok(())
    }

    async fn beat(&self, member: &str, lasting: Duration) -> Result<(), LogError> {
        let key = self.namespace().members(PROCESSES);
        let mut command = MEMBERS.command([&*key]);
        command.arg(member).arg(lasting.as_millis() as u64);
        self.run(&MEMBERS, &command).await.map(|_| ())
    }

    /// The processes that are alive, by name.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn processes(&self) -> Result<Vec<Process>, LogError> {
        let key = self.namespace().members(PROCESSES);
        let members: std::collections::BTreeMap<String, u64> =
            self.query(redis::cmd("HGETALL").arg(&key)).await?;
        let now_ms = crate::horizon::server_ms(&mut self.shared(&key).await?).await?;
        let alive = members.iter().filter(|(_, deadline)| **deadline >= now_ms);
        let mut found: Vec<Process> =
            alive.filter_map(|(member, _)| Process::from_member(member)).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The schema level of the namespace: no event of a later one is written into it.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn schema_level(&self) -> Result<u16, LogError> {
        let mut command = redis::cmd("HGET");
        command.arg(self.namespace().about()).arg("schema_level");
        let level: Option<u16> = self.query(&command).await?;
        Ok(level.unwrap_or(1))
    }

    /// Raises the schema level of the namespace.
    ///
    /// # Errors
    /// [`LogError::Asked`] when it would be lowered, when this program does not know the level,
    /// or when a process is alive that cannot read it, which is named.
    pub async fn raise_schema_level(&self, level: u16) -> Result<(), LogError> {
        let no = |reason: String| Err(LogError::Asked(reason));
        let now = self.schema_level().await?;
        if level < now {
            return no(format!(
                "the schema level is {now} and cannot be lowered: events of it may be in the log"
            ));
        }
        if level > SCHEMA_LEVEL {
            return no(format!(
                "this program knows schema level {SCHEMA_LEVEL}, not {level}; upgrade it first"
            ));
        }
        let old = self.processes().await?.into_iter().find(|one| one.schema_level < level);
        if let Some(old) = old {
            return no(format!(
                "process {} ({}) reads schema level {} and would stop at {level}; upgrade it first",
                old.name,
                old.runs.join(", "),
                old.schema_level
            ));
        }
        let mut command = redis::cmd("HSET");
        command.arg(self.namespace().about()).arg("schema_level").arg(level);
        self.query::<redis::Value>(&command).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_one_member_and_reads_back() {
        let process = Process {
            name: "host with spaces-12-ab".to_owned(),
            schema_level: 3,
            runs: vec!["predict".to_owned(), "detect".to_owned()],
        };
        assert_eq!(Process::from_member(&process.to_member()), Some(process));
        assert_eq!(Process::from_member("nonsense"), None);
    }
}
