//! A line of three stages, each of whose events depends on all that came before it.

use marabet_schemas::facts::Seen;
use marabet_schemas::{Body, Event};
use marabet_stage::{Artefacts, CacheClass, CacheEntry, Derived, Fault, Rows, Stage, Table};

/// Chains what each match's books were: an event lost, doubled or out of order changes all after.
pub(crate) struct Chain {
    name: &'static str,
    chains: Table<String, u64>,
}

impl Chain {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, chains: Table::new("chains") }
    }
}

impl Stage for Chain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(&mut self, event: &Event, _: &dyn Artefacts, out: &mut Derived) -> Result<(), Fault> {
        let (Some(key), Body::Seen(seen)) = (&event.key, &event.body) else {
            return Err(Fault::rejected("not what the source says"));
        };
        let chain = self.chains.entry(key.as_str().to_owned(), || 0xcbf2_9ce4_8422_2325);
        for byte in seen.book.as_str().bytes() {
            *chain = (*chain ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let chain = *chain;
        if seen.book.as_str().ends_with('7') {
            return Err(Fault::rejected("sevens are refused"));
        }
        if seen.book.as_str().ends_with('3') {
            return Ok(());
        }
        let book = format!("{chain:016x}{}", seen.book.as_str().chars().last().unwrap_or('0'));
        let said = Seen { src: self.name.into(), book: book.as_str().into() };
        out.push(Event::of(key.clone(), event.at, said));
        out.cache.push(CacheEntry {
            class: CacheClass::Odds,
            name: format!("{}:{key}", self.name),
            field: "chain".to_owned(),
            json: Some(format!("\"{chain:x}\"")),
        });
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        vec![&mut self.chains]
    }
}
