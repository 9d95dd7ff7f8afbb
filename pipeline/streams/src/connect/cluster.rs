//! A Redis Cluster: which node has which slot.
//!
//! All keys of a partition lie in one slot, so that whoever runs a partition speaks to one node
//! and needs no client that knows the whole cluster. What such a client does on the way is done
//! here by starting over: a slot that has moved, a master that is gone or was demoted is an error
//! like a lost connection, and puts the map in doubt; the next connection asks for it anew.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use redis::Value;

use super::Connector;
use super::place::Node;
use crate::error::LogError;
use crate::wire;

/// Slots of every cluster.
const SLOTS: u16 = 16_384;

/// The slot of a key: that of the part in braces, where there is one.
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    let tagged = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let tag = &key[open + 1..];
        let close = tag.iter().position(|&byte| byte == b'}')?;
        (close > 0).then(|| &tag[..close])
    });
    crc16(tagged.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, as the cluster's specification names it.
fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for &byte in bytes {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    crc
}

/// Slots from the first to the last, and the node that is their master.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    master: Node,
}

/// What is known of a cluster.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Map {
    ranges: Vec<Range>,
    /// Masters and replicas.
    nodes: Vec<Node>,
}

/// The map of a cluster, as it was last heard.
pub(crate) struct Cluster {
    map: RwLock<Map>,
    in_doubt: AtomicBool,
    /// One asks; the others wait and take what it heard.
    asking: tokio::sync::Mutex<()>,
    /// Who is asked first: another each time, because one that is cut off tells old tales.
    turn: AtomicUsize,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Self {
            map: RwLock::default(),
            in_doubt: AtomicBool::new(true),
            asking: tokio::sync::Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Puts the map in doubt.
    pub(crate) fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Relaxed);
    }

    /// The master of a key's slot.
    pub(crate) async fn master(&self, via: &Connector, key: &[u8]) -> Result<Node, LogError> {
        self.settle(via).await?;
        let slot = slot_of(key);
        let found = self.read().ranges.iter().find(|r| (r.first..=r.last).contains(&slot)).cloned();
        found.map(|range| range.master).ok_or_else(|| {
            self.doubt();
            let reason = format!("no node of the cluster serves slot {slot}");
            LogError::Away { at: via.at().to_string(), reason }
        })
    }

    /// All masters that serve slots.
    pub(crate) async fn masters(&self, via: &Connector) -> Result<Vec<Node>, LogError> {
        self.settle(via).await?;
        let mut masters: Vec<Node> =
            self.read().ranges.iter().map(|range| range.master.clone()).collect();
        masters.sort();
        masters.dedup();
        Ok(masters)
    }

    /// All nodes, replicas too.
    pub(crate) async fn nodes(&self, via: &Connector) -> Result<Vec<Node>, LogError> {
        self.settle(via).await?;
        Ok(self.read().nodes.clone())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the map where it is in doubt.
    async fn settle(&self, via: &Connector) -> Result<(), LogError> {
        if !self.in_doubt.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _asking = self.asking.lock().await;
        if !self.in_doubt.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut nodes = self.read().nodes.clone();
        nodes.extend(via.seeds().iter().cloned());
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % nodes.len().max(1);
        let mut heard = Err(LogError::Away {
            at: via.at().to_string(),
            reason: "no node of the cluster answers".to_owned(),
        });
        for node in nodes.iter().cycle().skip(first).take(nodes.len()) {
            heard = ask(via, node).await;
            if heard.is_ok() {
                break;
            }
        }
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = heard?;
        self.in_doubt.store(false, Ordering::Relaxed);
        Ok(())
    }
}

async fn ask(via: &Connector, node: &Node) -> Result<Map, LogError> {
    let mut connection = via.open_to_ask(node).await?;
    let answer = connection.ask(redis::cmd("CLUSTER").arg("SLOTS")).await?;
    parse(answer, node).ok_or_else(|| LogError::unexpected("CLUSTER SLOTS", &Value::Nil))
}

fn parse(answer: Value, asked: &Node) -> Option<Map> {
    let mut map = Map::default();
    for range in wire::array(answer)? {
        let mut parts = wire::array(range)?.into_iter();
        let (Value::Int(first), Value::Int(last)) = (parts.next()?, parts.next()?) else {
            return None;
        };
        let nodes: Option<Vec<Node>> = parts.map(|node| node_of(node, asked)).collect();
        let nodes = nodes?;
        let (first, last) = (first.try_into().ok()?, last.try_into().ok()?);
        map.ranges.push(Range { first, last, master: nodes.first()?.clone() });
        map.nodes.extend(nodes);
    }
    map.nodes.sort();
    map.nodes.dedup();
    Some(map)
}

/// A node that does not know its own address names none: it is the one that was asked.
fn node_of(value: Value, asked: &Node) -> Option<Node> {
    let parts = wire::array(value)?;
    let host = parts.first().and_then(wire::text).filter(|host| !host.is_empty() && *host != "?");
    let Some(Value::Int(port)) = parts.get(1) else { return None };
    let host = host.map_or_else(|| asked.host.clone(), str::to_owned);
    Some(Node { host, port: (*port).try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_of_a_key_is_that_of_its_tag() {
        // The check value of CRC-16/XMODEM, and examples of the Redis Cluster specification.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"{user1000}.followers"));
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot_of(b"foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
        assert_eq!(slot_of(b"mb:{07}:feed"), slot_of(b"mb:{07}:state:predict"));
        assert_ne!(slot_of(b"mb:{07}:feed"), slot_of(b"mb:{08}:feed"));
    }

    #[test]
    fn the_map_names_masters_and_replicas_and_whoever_was_asked_for_a_node_without_address() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port), text("id")]);
        let answer = Value::Array(vec![
            Value::Array(vec![
                Value::Int(0),
                Value::Int(8191),
                node(Value::Nil, 1),
                node(text("b"), 2),
            ]),
            Value::Array(vec![Value::Int(8192), Value::Int(16383), node(text("c"), 3)]),
        ]);
        let asked = Node { host: "a".to_owned(), port: 1 };
        let map = parse(answer, &asked).unwrap();
        let masters: Vec<String> = map
            .ranges
            .iter()
            .map(|range| format!("{}–{} {}", range.first, range.last, range.master))
            .collect();
        assert_eq!(masters, ["0–8191 a:1", "8192–16383 c:3"]);
        assert_eq!(map.nodes.len(), 3);
    }
}
