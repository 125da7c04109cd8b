//! Every kind of parameter (`tests/vectors/rpc-kinds.txt`): read as what the recorded peer read,
//! and written as what it wrote.

use std::fmt::Write as _;

use peote_net::value::{Decode, Encode, List, Map, Reader, Writer};
use peote_net_formats::haxe::Haxe;
use peote_net_formats::haxe::{self, Date, Instance};
use serde::{Deserialize, Serialize};

use crate::shown::{Blob, Pairs, Shown};

const RECORDING: &str = include_str!("../../vectors/rpc-kinds.txt");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Rgb(i32, i32, i32),
    Named(String),
}

impl Shown for Colour {
    fn show(&self) -> String {
        match self {
            Self::Red => "Colour.Red[]".into(),
            Self::Rgb(r, g, b) => format!("Colour.Rgb[{r},{g},{b}]"),
            Self::Named(name) => format!("Colour.Named[{}]", name.show()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Player {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
    age: i32,
    pos: Vec<f64>,
}

impl Shown for Player {
    fn show(&self) -> String {
        let nick = self.nick.as_ref().map_or(String::new(), |nick| format!("nick:{},", nick.show()));
        format!("{{age:{},name:{},{nick}pos:{}}}", self.age, self.name.show(), self.pos.show())
    }
}

/// `{a:1, b:null, c:{d:[1.5, {e:"e"}]}}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    a: i32,
    b: Option<i32>,
    c: Inner,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    d: (f64, Innermost),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Innermost {
    e: String,
}

impl Shown for Nested {
    fn show(&self) -> String {
        let (number, Innermost { e }) = &self.c.d;
        format!("{{a:{},b:{},c:{{d:[{},{{e:{}}}]}}}}", self.a, self.b.show(), number.show(), e.show())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Empty {}

impl Shown for Empty {
    fn show(&self) -> String {
        "{}".into()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    x: i32,
}

impl Shown for Instance<String, Thing> {
    fn show(&self) -> String {
        format!("{}[x:{}]", self.class, self.fields.x)
    }
}

impl<T: Shown> Shown for haxe::List<T> {
    fn show(&self) -> String {
        self.0.show()
    }
}

impl Shown for Date {
    fn show(&self) -> String {
        assert_eq!(self.0, 1_700_000_000_000.0);
        "date:2023-11-14 22:13:20".into()
    }
}

/// Reads the arguments of a call, and writes them again.
fn check<'a, T: Decode<'a> + Encode + Shown>(arguments: &'a [u8], shown: &str) -> Result<Vec<u8>, String> {
    let value: T = Reader::new(arguments).only().map_err(|error| error.to_string())?;
    let found = value.show();
    let is_the_same = match shown.strip_suffix("...") {
        Some(beginning) => found.starts_with(beginning),
        None => found == shown,
    };
    if !is_the_same {
        return Err(format!("read as {found}"));
    }
    let mut buffer = vec![0; value.encoded_len().map_err(|error| error.to_string())?];
    Writer::new(&mut buffer).write(&value).map_err(|error| error.to_string())?;
    Ok(buffer)
}

/// An array or a list, which are shown alike.
fn check_list(arguments: &[u8], shown: &str) -> Result<Vec<u8>, String> {
    if arguments[1] == b'l' {
        check::<Haxe<haxe::List<(i32, String)>>>(arguments, shown)
    } else {
        check::<Haxe<(i32, String)>>(arguments, shown)
    }
}

/// A value that travels as text, as a type that it is.
fn check_dynamic(arguments: &[u8], shown: &str) -> Result<Vec<u8>, String> {
    match shown {
        "null" => check::<Haxe<Option<i32>>>(arguments, shown),
        "true" => check::<Haxe<bool>>(arguments, shown),
        "0" | "-5" | "2147483647" => check::<Haxe<i32>>(arguments, shown),
        "2" | "1073217536/0" | "2117592124/-2013235812" | "-524288/0" | "-1048576/0" => {
            check::<Haxe<f64>>(arguments, shown)
        }
        "[]" => check::<Haxe<Vec<i32>>>(arguments, shown),
        r#"[1,null,null,null,"x"]"# => {
            check::<Haxe<(i32, Option<i32>, Option<i32>, Option<i32>, String)>>(arguments, shown)
        }
        r#"[1,"x"]"# => check_list(arguments, shown),
        r#"["same","same","same"]"# => check::<Haxe<Vec<String>>>(arguments, shown),
        "{}" => check::<Haxe<Empty>>(arguments, shown),
        r#"{"k"=>1,"l"=>2}"# => check::<Haxe<Pairs<String, i32>>>(arguments, shown),
        r#"{-1=>"neg",5=>"five"}"# => check::<Haxe<Pairs<i32, String>>>(arguments, shown),
        "Thing[x:3]" => check::<Haxe<Instance<String, Thing>>>(arguments, shown),
        _ if shown.starts_with('"') => check::<Haxe<String>>(arguments, shown),
        _ if shown.starts_with("{a:") => check::<Haxe<Nested>>(arguments, shown),
        _ if shown.starts_with("bytes:") => check::<Haxe<Blob>>(arguments, shown),
        _ if shown.starts_with("[Colour.") => check::<Haxe<Vec<Colour>>>(arguments, shown),
        _ if shown.starts_with("Colour.") => check::<Haxe<Colour>>(arguments, shown),
        _ if shown.starts_with("date:") => check::<Haxe<Date>>(arguments, shown),
        _ => Err("no type for this".into()),
    }
}

/// The parameters of each type in the recording.
fn check_type(kind: &str, arguments: &[u8], shown: &str) -> Result<Vec<u8>, String> {
    match kind {
        "Bool" => check::<bool>(arguments, shown),
        "Byte" => check::<u8>(arguments, shown),
        "Int" | "Int32" => check::<i32>(arguments, shown),
        "Int16" => check::<i16>(arguments, shown),
        "UInt16" => check::<u16>(arguments, shown),
        "Float" => check::<f32>(arguments, shown),
        "Double" => check::<f64>(arguments, shown),
        "String" => check::<&str>(arguments, shown),
        "Bytes" => check::<&[u8]>(arguments, shown),
        "Array<Int>" => check::<List<'_, i32>>(arguments, shown),
        "List<String>" => check::<List<'_, &str>>(arguments, shown),
        "Vector<Double>" => check::<List<'_, f64>>(arguments, shown),
        "Map<String;Int>" => check::<Map<'_, &str, i32>>(arguments, shown),
        "Map<Int;String>" => check::<Map<'_, i32, &str>>(arguments, shown),
        "IntMap<Bytes>" => check::<Map<'_, i32, &[u8]>>(arguments, shown),
        "StringMap<Array<Float>>" => check::<Map<'_, &str, List<'_, f32>>>(arguments, shown),
        "Array<Array<Array<Int16>>>" => check::<List<'_, List<'_, List<'_, i16>>>>(arguments, shown),
        "Map<String;Array<String>>" => check::<Map<'_, &str, List<'_, &str>>>(arguments, shown),
        "Dynamic" => check_dynamic(arguments, shown),
        "enum Colour" => check::<Haxe<Option<Colour>>>(arguments, shown),
        "typedef Player" => check::<Haxe<Player>>(arguments, shown),
        "Array<Player>" => check::<List<'_, Haxe<Option<Player>>>>(arguments, shown),
        "Map<String;Colour>" => check::<Map<'_, &str, Haxe<Colour>>>(arguments, shown),
        "(none)" if arguments.is_empty() => Ok(Vec::new()),
        "9 arguments" => check::<(bool, u8, i16, u16, i32, f32, f64, &str, &[u8])>(arguments, shown),
        "Null<Int>" => check::<Haxe<Option<i32>>>(arguments, shown),
        "Date" => check::<Haxe<Date>>(arguments, shown),
        "class Thing" => check::<Haxe<Instance<String, Thing>>>(arguments, shown),
        _ => Err("no such type".into()),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

// §8.3-haxe, §8.3-messagepack
#[test]
fn every_kind_of_parameter_is_read_and_written_as_existing_peers_do() {
    let mut wrong = String::new();
    let calls: Vec<&str> = RECORDING.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(calls.len(), 117);
    for call in calls {
        let [kind, shown, message] = call.split('\t').collect::<Vec<_>>()[..] else { panic!("{call}") };
        let message = bytes(message);
        let arguments = &message[2..];
        match check_type(kind, arguments, shown) {
            Ok(written) if written == arguments => {}
            // a string that comes again is a reference there, and written again here: both are
            // right
            Ok(written)
                if refers(arguments) && check_type(kind, &written, shown).as_ref() == Ok(&written) => {}
            Ok(written) => {
                writeln!(wrong, "{call}\n  written as {}", String::from_utf8_lossy(&written)).unwrap();
            }
            Err(why) => writeln!(wrong, "{call}\n  {why}").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whether a text refers to a string. There is no other `R` with a digit behind it in the
/// recording.
fn refers(arguments: &[u8]) -> bool {
    arguments.windows(2).any(|two| two[0] == b'R' && two[1].is_ascii_digit())
}

/// Nothing that is read back may hide a fault of the test itself.
#[test]
fn the_test_sees_what_is_wrong() {
    assert!(check_type("Int", &[1, 0, 0, 0], "2").is_err());
    assert!(check_type("Int", &[1, 0, 0], "1").is_err());
    assert!(check_type("Dynamic", b"\x01t", "false").is_err());
    assert!(!refers(b"\x0eoy4:Red1g"));
}
