//! Names as the terminal's chat judges them, for the page to judge them the same way.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use peote_net_examples::chat::Nick;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

/// Code points that are put together to one sum.
const BLOCK: u32 = 4096;
/// Where there are characters, or marks of the format.
const PLANES: [std::ops::Range<u32>; 3] = [0..0x4_0000, 0xe_0000..0xe_1000, 0x10_f000..0x11_0000];
/// Random names.
const NAMES: usize = 4_000;

/// Writes what is expected, a line for each block of code points and for each of many random names.
pub(crate) fn write() -> PathBuf {
    let mut text = String::new();
    for start in PLANES.into_iter().flat_map(|plane| plane.step_by(BLOCK as usize)) {
        let names = (start..start + BLOCK).filter_map(char::from_u32).map(|c| format!("a{c}"));
        let sum = names.fold(0x811c_9dc5, |sum, name| add(sum, &judged(&name).unwrap_or_default()));
        let _ = writeln!(text, "{}", json!([start, start + BLOCK, sum]));
    }
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for _ in 0..NAMES {
        let name = name().new_tree(&mut runner).unwrap().current();
        let _ = writeln!(text, "{}", json!([name, judged(&name)]));
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("names-{}.txt", std::process::id()));
    std::fs::write(&file, text).unwrap();
    file
}

/// The shape of a name; `None`: it is none.
fn judged(name: &str) -> Option<String> {
    Nick::new(name).ok().map(|nick| nick.shape().to_owned())
}

/// Letters of several scripts, what looks like them, marks in any order, Hangul in both forms, and
/// anything.
fn name() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        4 => "[a-zA-Z0-9/_.-]",
        2 => "[\u{370}-\u{58f}]",
        2 => "[\u{300}-\u{36f}\u{591}-\u{5bd}\u{64b}-\u{655}\u{1dc0}-\u{1dff}\u{20d0}-\u{20f0}]",
        2 => "[\u{1100}-\u{11ff}\u{ac00}-\u{d7a3}\u{3130}-\u{318e}]",
        2 => "[\u{c0}-\u{24f}\u{1e00}-\u{1fff}\u{2100}-\u{214f}]",
        1 => "[\u{900}-\u{d7f}]",
        1 => "[\u{f900}-\u{faff}\u{fb00}-\u{fdff}\u{2f800}-\u{2fa1f}]",
        1 => "[\u{1d100}-\u{1d7ff}\u{1f300}-\u{1f6ff}]",
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(letter, 0..26).prop_map(|letters| letters.concat())
}

/// FNV-1a over code points, and an end.
fn add(sum: u32, text: &str) -> u32 {
    let codes = text.chars().map(u32::from).chain([u32::MAX]);
    codes.fold(sum, |sum, code| (sum ^ code).wrapping_mul(0x0100_0193))
}
