//! The program's output, and what it says of files that it cannot translate. That the other end
//! understands it is tested with the module: `calls.rs` of tests/browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(file: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peote-interface")).arg(file).args(more).output().unwrap()
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// What is said of a file with this text.
fn refused(name: &str, text: &str) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.rs", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let ran = run(&file, &[]);
    std::fs::remove_file(&file).unwrap();
    assert!(!ran.status.success() && ran.stdout.is_empty(), "{text}");
    String::from_utf8(ran.stderr).unwrap()
}

#[test]
fn everything_that_can_be_translated() {
    let ran = run(&here("board.rs.txt"), &[]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let expected = std::fs::read_to_string(here("board.js")).unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), expected);
}

#[test]
fn where_the_module_is_and_what_version_it_has_can_be_said() {
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("board-{}.ts", std::process::id()));
    let more = ["--from", "./", "--interface-version", "9", "--output", written.to_str().unwrap()];
    let ran = run(&here("board.rs.txt"), &more);
    assert!(ran.status.success() && ran.stdout.is_empty());
    let text = std::fs::read_to_string(&written).unwrap();
    std::fs::remove_file(&written).unwrap();
    assert!(text.contains("from './peote-net-rpc.js';") && text.contains("from './peote-net-value.js';"));
    // the trait says its own
    assert!(text.contains("}, 'it\\'s 2');") && !text.contains("'9'"));
}

#[test]
fn what_cannot_be_translated_is_named_with_its_place() {
    let board = |body: &str| format!("#[remote]\ntrait Board {{\n    fn draw(&mut self{body};\n}}\n");
    let cases = [
        ("none", "trait Board {}".to_owned(), "no trait with #[remote]"),
        ("syntax", "trait".to_owned(), "line 1"),
        ("generic", board("<T>)").replace("self<T>)", "self, a: impl Copy)"), "`impl Trait` argument"),
        ("unknown", board(", a: Foo)"), "no type `Foo`"),
        (
            "counted",
            board(", a: Counted<&str, 1>)"),
            "line 3, column 27: JavaScript has no type for `Counted < & str , 1 >`",
        ),
        ("messagepack", board(", a: MessagePack<u8>)"), "no type for `MessagePack"),
        ("function", board(", a: fn(u8))"), "no type for `fn"),
        ("option", board(")").replace("remote", "remote(foo)"), "#[remote] takes nothing"),
        (
            "itself",
            format!("#[derive(Encode)] struct Foo {{ a: Option<Foo> }}\n{}", board(", a: Foo)")),
            "`Foo` is in itself",
        ),
    ];
    for (name, text, expected) in cases {
        let said = refused(name, &text);
        assert!(said.contains(expected), "{name}: {said}");
    }
    assert!(String::from_utf8_lossy(&run(Path::new("/nowhere.rs"), &[]).stderr).contains("/nowhere.rs: "));
}
