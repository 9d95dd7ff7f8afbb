//! Whether a server's settings can hold a log.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connect::{Connection, Connector};
use crate::error::LogError;

/// A setting on which the log would lose data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redis at {at} cannot hold the log: `{setting}` is `{value}`, {why}; fix it with: {fix}")]
pub struct Refusal {
    /// Which server, without its password.
    pub at: String,
    /// The setting.
    pub setting: &'static str,
    /// What it is.
    pub value: String,
    /// Why that will not do.
    pub why: &'static str,
    /// The command that sets it right.
    pub fix: &'static str,
}

/// What a server says about itself, as far as it concerns the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `redis` or `valkey`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it is a node of a cluster.
    pub cluster: bool,
    /// Most bytes of memory that it may use; none for no bound.
    pub memory_max: Option<u64>,
}

/// Asks the servers for their settings and refuses those on which the log would lose data.
///
/// Of a cluster every node is asked, the replicas too, because they may become masters; one that
/// is away is passed over. Returns what the first said.
pub(crate) async fn servers(connector: &Connector) -> Result<Server, LogError> {
    let mut first = connector.open_any().await?;
    let info: String = first.query(&redis::cmd("INFO")).await?;
    let server = judge_ready(&fields(&info), first.at())?;
    warn_if_torn_ends_are_kept(connector, &mut first).await;
    if !server.cluster {
        connector.is_no_cluster()?;
        return Ok(server);
    }
    connector.is_a_cluster()?;
    for node in connector.servers().await? {
        let asked = async {
            let mut connection = connector.open_server(node.as_ref()).await?;
            let info: String = connection.query(&redis::cmd("INFO")).await?;
            let judged = judge_ready(&fields(&info), connection.at())?;
            warn_if_torn_ends_are_kept(connector, &mut connection).await;
            Ok::<_, LogError>(judged)
        };
        match asked.await {
            Err(error) if error.is_transient() => tracing::warn!("{error}; not checked"),
            checked => drop(checked?),
        }
    }
    Ok(server)
}

/// Warns of a server that, after it lost its power, cuts the end of its append-only file in the
/// middle of a transaction: what it writes next it takes for the transaction's rest when it starts
/// again, so that a frame may come twice.
///
/// A user with a name of its own is not let ask for settings, and would be noted as one that tried.
async fn warn_if_torn_ends_are_kept(connector: &Connector, connection: &mut Connection) {
    if connector.has_user() {
        return;
    }
    let asked = redis::cmd("CONFIG").arg("GET").arg("aof-load-truncated").to_owned();
    let Ok(settings) = connection.query::<BTreeMap<String, String>>(&asked).await else { return };
    if settings.values().any(|value| value == "yes") {
        tracing::warn!(
            "redis at {} has `aof-load-truncated yes`, with which a frame may come twice after a \
             power cut; set it with: redis-cli CONFIG SET aof-load-truncated no && redis-cli \
             CONFIG REWRITE; after a cut the server then asks for `redis-check-aof --fix` first \
             (ops/BACKUP.md)",
            connection.at()
        );
    }
}

/// Judges a server that has loaded its data: until then it says of its append-only file that there
/// is none.
fn judge_ready(info: &BTreeMap<&str, &str>, at: &Arc<str>) -> Result<Server, LogError> {
    if info.get("loading") == Some(&"1") {
        let reason = "the server is still loading its data".to_owned();
        return Err(LogError::Away { at: at.to_string(), reason });
    }
    Ok(judge(info, at)?)
}

/// The fields of an answer to `INFO`.
pub(crate) fn fields(info: &str) -> BTreeMap<&str, &str> {
    info.lines().filter_map(|line| line.split_once(':')).collect()
}

fn judge(info: &BTreeMap<&str, &str>, at: &str) -> Result<Server, Refusal> {
    let get = |field: &str| info.get(field).copied().unwrap_or_default();
    let refusal = |setting, value: &str, why, fix| Refusal {
        at: at.to_owned(),
        setting,
        value: value.to_owned(),
        why,
        fix,
    };
    let valkey = get("valkey_version");
    let (name, version) =
        if valkey.is_empty() { ("redis", get("redis_version")) } else { ("valkey", valkey) };
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < 7 {
        return Err(refusal(
            "redis_version",
            version,
            "and the commit needs the streams and scripts of version 7.0",
            "install Redis 7.0 or later, or Valkey",
        ));
    }
    if get("aof_enabled") != "1" {
        return Err(refusal(
            "appendonly",
            "no",
            "so that a restart would lose everything since the last snapshot",
            "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE",
        ));
    }
    let policy = get("maxmemory_policy");
    if policy != "noeviction" && !policy.starts_with("volatile-") {
        return Err(refusal(
            "maxmemory-policy",
            policy,
            "which may evict the log itself when memory is short",
            "redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE",
        ));
    }
    let memory_max = get("maxmemory").parse().ok().filter(|&bytes: &u64| bytes > 0);
    Ok(Server {
        name: name.to_owned(),
        version: version.to_owned(),
        cluster: get("redis_mode") == "cluster",
        memory_max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(version: &str, aof: &str, policy: &str) -> Result<Server, String> {
        let info = format!(
            "# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\naof_enabled:{aof}\r\nmaxmemory:1000\r\nmaxmemory_policy:{policy}\r\n"
        );
        judge(&fields(&info), "here").map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn settings_that_keep_the_log_are_taken() {
        for policy in ["noeviction", "volatile-lru", "volatile-ttl"] {
            let server = verdict("7.0.15", "1", policy).unwrap();
            assert_eq!((server.memory_max, server.cluster), (Some(1000), false));
        }
    }

    #[test]
    fn settings_that_lose_data_are_refused_with_the_way_to_fix_them() {
        for (version, aof, policy, named) in [
            ("6.2.14", "1", "noeviction", "`redis_version` is `6.2.14`"),
            ("7.0.15", "0", "noeviction", "`appendonly` is `no`"),
            ("7.2.0", "1", "allkeys-lru", "`maxmemory-policy` is `allkeys-lru`"),
            ("7.2.0", "1", "allkeys-random", "CONFIG SET maxmemory-policy noeviction"),
            ("", "1", "noeviction", "`redis_version`"),
        ] {
            let refusal = verdict(version, aof, policy).unwrap_err();
            assert!(refusal.contains(named), "{refusal}");
        }
    }
}
