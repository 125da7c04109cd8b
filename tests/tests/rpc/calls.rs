//! The object that the recorded calls are for, and a record of what was called.

use peote_net::rpc::remote;
use peote_net::value::{List, Map};
use peote_net_formats::haxe::Haxe;
use serde::{Deserialize, Serialize};

/// The anonymous object of the recording.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Anonymous<'a> {
    pub(crate) a: i32,
    pub(crate) b: &'a str,
    pub(crate) c: [f64; 2],
}

/// Object 0 of the recording.
#[remote]
pub(crate) trait Recorded {
    fn hello(&mut self);
    fn message(&mut self, text: &str, number: i32);
    #[expect(clippy::too_many_arguments, reason = "one of each type")]
    fn scalars(&mut self, a: bool, b: u8, c: u16, d: i16, e: i32, f: f32, g: f64);
    fn blobs(&mut self, first: &[u8], second: &[u8]);
    fn lists(
        &mut self,
        numbers: List<'_, i32>,
        strings: List<'_, &str>,
        bools: List<'_, bool>,
        rows: List<'_, List<'_, i32>>,
    );
    fn maps(
        &mut self,
        by_name: Map<'_, &str, i32>,
        by_number: Map<'_, i32, &str>,
        lists: Map<'_, &str, List<'_, i32>>,
    );
    fn dynamic(&mut self, value: Haxe<Anonymous<'_>>);
}

/// Object 3 of the recording.
#[remote]
pub(crate) trait Speaker {
    fn say(&mut self, text: &str);
}

/// What was called, one line each.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Log(pub(crate) Vec<String>);

impl Recorded for Log {
    fn hello(&mut self) {
        self.0.push("hello".into());
    }
    fn message(&mut self, text: &str, number: i32) {
        self.0.push(format!("message {text:?} {number}"));
    }
    fn scalars(&mut self, a: bool, b: u8, c: u16, d: i16, e: i32, f: f32, g: f64) {
        self.0.push(format!("scalars {a} {b} {c} {d} {e} {f} {g}"));
    }
    fn blobs(&mut self, first: &[u8], second: &[u8]) {
        self.0.push(format!("blobs {first:x?} {second:x?}"));
    }
    fn lists(
        &mut self,
        numbers: List<'_, i32>,
        strings: List<'_, &str>,
        bools: List<'_, bool>,
        rows: List<'_, List<'_, i32>>,
    ) {
        self.0.push(format!("lists {numbers:?} {strings:?} {bools:?} {rows:?}"));
    }
    fn maps(
        &mut self,
        by_name: Map<'_, &str, i32>,
        by_number: Map<'_, i32, &str>,
        lists: Map<'_, &str, List<'_, i32>>,
    ) {
        self.0.push(format!("maps {by_name:?} {by_number:?} {lists:?}"));
    }
    fn dynamic(&mut self, Haxe(value): Haxe<Anonymous<'_>>) {
        self.0.push(format!("dynamic {value:?}"));
    }
}

impl Speaker for Log {
    fn say(&mut self, text: &str) {
        self.0.push(format!("say {text}"));
    }
}
