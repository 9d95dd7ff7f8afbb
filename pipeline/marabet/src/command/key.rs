//! `marabet key …`

use std::io::{self, Write};

use anyhow::Context;
use marabet_web::keys::{Scope, generate};
use serde::Serialize;

use crate::cli::{KeyCommand, ScopeName};
use crate::output::{Answer, say};

/// A new key, and the lines of the configuration that let it in.
#[derive(Serialize)]
struct Made {
    name: String,
    key: String,
    hash: String,
    scopes: Vec<Scope>,
}

pub(super) fn execute(command: &KeyCommand, json: bool) -> anyhow::Result<()> {
    let KeyCommand::New { name, scopes } = command;
    let new = generate().context("the system gives no randomness")?;
    let scope = |scope: &ScopeName| match scope {
        ScopeName::Read => Scope::Read,
        ScopeName::Operate => Scope::Operate,
    };
    let scopes = scopes.iter().map(scope).collect();
    say(&Made { name: name.clone(), key: new.key, hash: new.hash, scopes }, json)
}

impl Answer for Made {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let scopes: Vec<String> =
            self.scopes.iter().map(|scope| format!("\"{}\"", scope.name())).collect();
        writeln!(out, "{}", self.key)?;
        writeln!(out, "\nIt is not kept and cannot be shown again. To let it in:\n")?;
        writeln!(out, "[web.keys.{}]\nhash = \"{}\"", self.name, self.hash)?;
        writeln!(out, "scopes = [{}]", scopes.join(", "))
    }
}
