//! The connections of one holder: one to each server that its keys lie on.

use std::collections::BTreeMap;

use redis::Cmd;

use super::place::Node;
use super::{Connection, Connector};
use crate::error::LogError;

/// Connections for commands that answer at once. One server needs one, a cluster one a node.
pub(crate) struct Connections {
    connector: Connector,
    /// By node; none stands for the one server that there is.
    open: BTreeMap<Option<Node>, Connection>,
}

impl Connections {
    /// Opens nothing yet.
    pub(crate) fn new(connector: &Connector) -> Self {
        Self { connector: connector.clone(), open: BTreeMap::new() }
    }

    /// The connection to the server that a key lies on.
    pub(crate) async fn of(&mut self, key: &str) -> Result<&mut Connection, LogError> {
        self.of_bytes(key.as_bytes()).await
    }

    /// The connection to the server that a command's first key lies on.
    pub(crate) async fn for_command(&mut self, command: &Cmd) -> Result<&mut Connection, LogError> {
        let key = key_of(command).unwrap_or_default().to_vec();
        self.of_bytes(&key).await
    }

    async fn of_bytes(&mut self, key: &[u8]) -> Result<&mut Connection, LogError> {
        let node = self.connector.node_of(key).await?;
        if self.open.get(&node).is_some_and(Connection::is_lost) {
            self.open.remove(&node);
        }
        match self.open.entry(node) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                let connection = self.connector.open(key).await?;
                Ok(place.insert(connection))
            }
        }
    }
}

/// The first key of a command of those that the log sends.
fn key_of(command: &Cmd) -> Option<&[u8]> {
    let mut words = command.args_iter().filter_map(|argument| match argument {
        redis::Arg::Simple(word) => Some(word),
        _ => None,
    });
    let before = match words.next()? {
        b"EVALSHA" => 2,
        b"XINFO" | b"XGROUP" | b"MEMORY" => 1,
        _ => 0,
    };
    words.nth(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_where_its_first_key_lies() {
        let mut script = redis::cmd("EVALSHA");
        script.arg("hash").arg(2).arg("mb:{07}:feed").arg("mb:{07}:source").arg("more");
        for (command, key) in [
            (redis::cmd("HGETALL").arg("mb:{01}:state:x").to_owned(), "mb:{01}:state:x"),
            (redis::cmd("XINFO").arg("GROUPS").arg("mb:{02}:feed").to_owned(), "mb:{02}:feed"),
            (redis::cmd("MEMORY").arg("USAGE").arg("mb:{03}:feed").to_owned(), "mb:{03}:feed"),
            (script, "mb:{07}:feed"),
        ] {
            assert_eq!(key_of(&command), Some(key.as_bytes()));
        }
    }
}
