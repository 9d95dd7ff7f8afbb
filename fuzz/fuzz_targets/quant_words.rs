//! Any text as a market, a selection, a method, a model or a payoff: what is read is written again
//! as what it was read from would be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::devig::Method;
use marabet_quant::goals::Model;
use marabet_quant::payoff::Payoff;
use marabet_quant::settle::settle;
use marabet_quant::{Market, Selection};

fuzz_target!(|input: (&str, u8, u8)| {
    let (text, home, away) = input;
    if let Ok(market) = text.parse::<Market>() {
        assert_eq!(market.to_string().parse(), Ok(market));
        for selection in market.selections() {
            let _ = settle(&market, *selection, home, away);
            assert!(Payoff::new(&market, *selection).is_ok());
        }
    }
    if let Ok(payoff) = text.parse::<Payoff>() {
        assert_eq!(payoff.to_string().parse(), Ok(payoff));
    }
    if let Ok(selection) = text.parse::<Selection>() {
        assert_eq!(selection.as_str().parse(), Ok(selection));
    }
    if let Ok(method) = text.parse::<Method>() {
        assert_eq!(method.as_str().parse(), Ok(method));
    }
    if let Ok(model) = text.parse::<Model>() {
        assert_eq!(model.as_str().parse(), Ok(model));
    }
});
