//! The scripts: what must change at once.

use std::sync::LazyLock;

use marabet_streams::Script;

macro_rules! scripts {
    ($($name:ident $file:literal;)*) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!(concat!("lua/", $file))));)*
    };
}

scripts! {
    ENQUEUE "enqueue.lua";
    START "start.lua";
    FINISH "finish.lua";
    BEAT "beat.lua";
    TEND "tend.lua";
    CANCEL "cancel.lua";
    AGAIN "again.lua";
    FIRE "fire.lua";
    LEAD "lead.lua";
}
