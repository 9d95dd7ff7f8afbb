//! Servers that a test starts on private ports, beyond the embedded one: of a cluster, behind a
//! sentinel, over TLS, with users.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{kill, until};

/// A server process in a folder of its own. It is killed when the test ends.
pub(crate) struct Process {
    child: Child,
    /// What it was started with, to be started with again.
    arguments: Vec<OsString>,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago, below those that systems give to clients: one of these
/// could be taken before the server has it. Each process of tests begins elsewhere.
pub(crate) fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (number % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The server's program, as the embedded one is found.
fn program() -> OsString {
    std::env::var_os("MARABET_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

impl Process {
    /// Starts a server that can hold a log, with more options, each of name and values.
    pub(crate) fn start(options: &[&[&str]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let own = ["port", &port.to_string()];
        let mut all: Vec<&[&str]> = vec![
            &own,
            &["bind", "127.0.0.1"],
            &["save", ""],
            &["appendonly", "yes"],
            &["appendfsync", "everysec"],
            &["maxmemory-policy", "noeviction"],
            &["repl-diskless-sync-delay", "0"],
        ];
        all.extend(options);
        let mut arguments: Vec<OsString> = Vec::new();
        for option in all {
            arguments.push(format!("--{}", option[0]).into());
            arguments.extend(option[1..].iter().map(OsString::from));
        }
        arguments.extend(["--dir".into(), folder.path().into()]);
        Self { child: spawn(&arguments, folder.path()), arguments, port, folder }
    }

    /// Starts a sentinel that watches the master on this port.
    pub(crate) fn start_sentinel(master: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let file = folder.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor prices 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds prices 500\n\
             sentinel failover-timeout prices 5000\n",
            folder.path().display()
        );
        std::fs::write(&file, text).unwrap();
        let arguments = vec![file.into(), "--sentinel".into()];
        Self { child: spawn(&arguments, folder.path()), arguments, port, folder }
    }

    /// Starts it again on its port and folder, after it was killed.
    pub(crate) fn start_again(&mut self) {
        self.child.wait().unwrap();
        self.child = spawn(&self.arguments, self.folder.path());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it as nothing else does.
    pub(crate) fn kill(&self) {
        kill(self.child.id());
    }

    /// Sends one command, given as words.
    pub(crate) async fn say<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_say(words).await.unwrap()
    }

    /// The same for a server that may not answer.
    pub(crate) async fn try_say<T: redis::FromRedisValue>(
        &self,
        words: &[&str],
    ) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }

    /// Waits until it answers.
    pub(crate) async fn ready(&self) {
        until("the server answers", || async { self.try_say::<String>(&["PING"]).await.is_ok() })
            .await;
    }
}

fn spawn(arguments: &[OsString], folder: &Path) -> Child {
    let mut command = Command::new(program());
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.args(arguments).stdout(log).stderr(Stdio::null()).stdin(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}; run ops/setup.sh"))
}

/// Three masters, and after them their three replicas.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Process>,
}

/// Slots of a cluster.
const SLOTS: u16 = 16_384;

impl Cluster {
    /// Starts the nodes and waits until they are one cluster whose replicas follow.
    pub(crate) async fn start() -> Self {
        let node = |_| {
            let bus = free_port().to_string();
            Process::start(&[
                &["cluster-enabled", "yes"],
                &["cluster-port", &bus],
                &["cluster-node-timeout", "1000"],
                &["min-replicas-to-write", "1"],
                &["repl-ping-replica-period", "1"],
            ])
        };
        let cluster = Self { nodes: (0..6).map(node).collect() };
        for node in &cluster.nodes {
            node.ready().await;
        }
        for (number, node) in (1..).zip(&cluster.nodes) {
            let epoch = number.to_string();
            let _: String = node.say(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
        }
        for (number, master) in (0_u16..).zip(&cluster.nodes[..3]) {
            let bound = |number: u16| (u32::from(SLOTS) * u32::from(number) / 3).to_string();
            let last = (u32::from(SLOTS) * u32::from(number + 1) / 3 - 1).to_string();
            let words = ["CLUSTER", "ADDSLOTSRANGE", &bound(number), &last];
            let _: String = master.say(&words).await;
        }
        let first = &cluster.nodes[0];
        for node in &cluster.nodes[1..] {
            let bus: Vec<String> = first.say(&["CONFIG", "GET", "cluster-port"]).await;
            let port = first.port.to_string();
            let _: String = node.say(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus[1]]).await;
        }
        for (master, replica) in cluster.nodes[..3].iter().zip(&cluster.nodes[3..]) {
            let id: String = master.say(&["CLUSTER", "MYID"]).await;
            until("the nodes know each other", || async {
                let words = ["CLUSTER", "REPLICATE", &id];
                replica.try_say::<String>(&words).await.is_ok()
            })
            .await;
        }
        for node in &cluster.nodes {
            until("the cluster is whole", || async {
                let info: String = node.say(&["CLUSTER", "INFO"]).await;
                let known = info.contains("cluster_known_nodes:6");
                known && info.contains("cluster_state:ok")
            })
            .await;
        }
        for master in &cluster.nodes[..3] {
            until("its replica follows", || async {
                let info: String = master.say(&["INFO", "replication"]).await;
                info.contains("state=online")
            })
            .await;
        }
        cluster
    }

    /// A URL that names two of the nodes.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{},127.0.0.1:{}", self.nodes[0].port, self.nodes[4].port)
    }

    /// The node on this port.
    pub(crate) fn on(&mut self, port: u16) -> &mut Process {
        self.nodes.iter_mut().find(|node| node.port == port).unwrap()
    }

    /// The port of the master that has a slot, as an answering node knows it.
    pub(crate) async fn master_of(&self, key: &str) -> u16 {
        for node in &self.nodes {
            let slot = node.try_say::<u16>(&["CLUSTER", "KEYSLOT", key]).await;
            let map = node.try_say::<Vec<redis::Value>>(&["CLUSTER", "SLOTS"]).await;
            let (Ok(slot), Ok(map)) = (slot, map) else { continue };
            for range in map {
                type Range = (u16, u16, (String, u16, String, redis::Value));
                let redis::Value::Array(mut parts) = range else { continue };
                parts.truncate(3);
                let range: Range = redis::from_redis_value(redis::Value::Array(parts)).unwrap();
                if (range.0..=range.1).contains(&slot) {
                    return range.2.1;
                }
            }
        }
        panic!("no node has the slot of {key}");
    }
}
