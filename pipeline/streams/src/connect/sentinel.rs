//! Sentinels: which server is the master now.

use redis::Value;

use super::Connector;
use super::place::Node;
use crate::error::LogError;

/// Asks the sentinels in turn for the master of this name. The first that knows it is believed;
/// that the server takes itself for a master too is looked at by whoever connects to it.
pub(crate) async fn master(via: &Connector, name: &str) -> Result<Node, LogError> {
    let mut last =
        LogError::Away { at: via.at().to_string(), reason: "no sentinel answers".to_owned() };
    for sentinel in via.seeds() {
        match ask(via, sentinel, name).await {
            Ok(Some(node)) => return Ok(node),
            Ok(None) => {
                let reason = format!("the sentinel {sentinel} knows no master `{name}`");
                last = LogError::Away { at: via.at().to_string(), reason };
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask(via: &Connector, sentinel: &Node, name: &str) -> Result<Option<Node>, LogError> {
    let mut connection = via.open_sentinel(sentinel).await?;
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let answer: Option<(String, u16)> = match connection.ask(&command).await? {
        Value::Nil => None,
        answer => Some(redis::from_redis_value(answer).map_err(|error| {
            let reason = error.to_string();
            LogError::Reply { at: sentinel.to_string(), reason }
        })?),
    };
    Ok(answer.map(|(host, port)| Node { host, port }))
}
