//! The Lua scripts: what must happen in Redis at once or not at all.

use std::sync::LazyLock;

use redis::Cmd;

/// A script, by its text and the hash under which Redis keeps it.
pub struct Script(redis::Script, &'static str);

impl Script {
    /// The script of this text.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self(redis::Script::new(text), text)
    }

    /// The script's text.
    pub(crate) fn text(&self) -> &'static str {
        self.1
    }

    /// The beginning of a command that runs it on these keys; the arguments follow.
    #[must_use]
    pub fn command<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        let keys: Vec<&str> = keys.into_iter().collect();
        command.arg(self.0.get_hash()).arg(keys.len());
        for key in keys {
            command.arg(key);
        }
        command
    }
}

/// Appends frames to the feed, each batch number once.
pub(crate) static APPEND: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/append.lua")));

/// Makes a writer the owner of a source in one partition.
pub(crate) static SOURCE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/source.lua")));

/// A script that may pass the memory limit, with what the scripts of commits have in common.
macro_rules! commit_script {
    ($path:literal) => {
        LazyLock::new(|| {
            Script::new(concat!(
                "#!lua flags=allow-oom\n",
                include_str!("lua/write.lua"),
                include_str!($path)
            ))
        })
    };
}

/// Writes what follows from a batch of frames and acknowledges it.
pub(crate) static COMMIT: LazyLock<Script> = commit_script!("lua/commit.lua");

/// Writes what follows from a batch of frames of other slots.
pub(crate) static ACCOUNT: LazyLock<Script> = commit_script!("lua/account.lua");

/// Takes, renews and gives back a lease.
pub(crate) static LEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/lease.lua")));

/// Writes a text that is not there yet.
pub(crate) static OUTBOX: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/outbox.lua")));

/// Puts a fact in the place of a dead letter.
pub(crate) static RETRY: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/retry.lua")));

/// Says who is alive.
pub(crate) static MEMBERS: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/members.lua")));

/// Makes a group.
pub(crate) static ENSURE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/ensure.lua")));

/// Counts an attempt.
pub(crate) static ATTEMPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/attempt.lua")));

/// Says whether a source speaks for a book.
pub(crate) static CLAIM: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/claim.lua")));

/// Writes a mark that replicas can be waited for to have.
pub(crate) static BARRIER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/barrier.lua")));

/// Lets a group read on from another place.
pub(crate) static SEEK: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/seek.lua")));
