// Writes recorded.txt, a platform's lines at a time, with Haxe 4.2.5:
//
//     haxe -main Record -neko record.n && neko record.n
//     haxe -main Record -js record.js && node record.js
//     haxe -main Record -python record.py && python3 record.py
//
// Each line is the platform, the value in words, and the text. What a platform cannot write is left out.
import haxe.Int64;
import haxe.Serializer;
import haxe.Unserializer;

enum Colour {
  Red;
  Rgb(r:Int, g:Int, b:Int);
  Named(s:String);
  Deep(c:Colour);
}

class Thing {
  public var x:Int;
  public var name:String;

  public function new(x, n) {
    this.x = x;
    this.name = n;
  }
}

class Node {
  public var v:Int;
  public var next:Node;

  public function new(v, n) {
    this.v = v;
    this.next = n;
  }
}

/** Writes itself. **/
class Custom {
  public var a = 7;
  public var b = "c d";

  public function new() {}

  @:keep function hxSerialize(s:Serializer) {
    s.serialize(a);
    s.serialize(b);
    s.serialize([1, null]);
  }

  @:keep function hxUnserialize(u:Unserializer) {
    a = u.unserialize();
    b = u.unserialize();
    u.unserialize();
  }
}

class Empty {
  public function new() {}
}

class Record {
  static function say(what:String, v:Dynamic) {
    var t = try Serializer.run(v) catch (e:Dynamic) 'ERR $e';
    if (!StringTools.startsWith(t, "ERR")) out('$what\t$t');
  }
  static function out(s:String) {
    #if js js.Syntax.code("console.log({0})", "js\t" + s);
    #elseif neko Sys.println("neko\t" + s);
    #else Sys.println("python\t" + s); #end
  }
  static function main() {
    say("date", Date.fromTime(1700000000000.0));
    say("date before 1970", Date.fromTime(-86400000.0));
    say("date zero", Date.fromTime(0));
    say("date ms", Date.fromTime(1262349910123.0));
    say("int64 5", Int64.make(0, 5));
    say("int64 -2", Int64.make(-1, -2));
    say("int64 min", Int64.make(0x80000000, 0));
    say("int64 max", Int64.make(0x7fffffff, 0xffffffff));
    say("int64 dyn", [Int64.make(1, 0), Int64.make(2, 0)]);
    say("thing", new Thing(3, "a b"));
    say("things", [new Thing(3, "a b"), new Thing(0, null)]);
    say("node", new Node(1, new Node(2, new Node(3, null))));
    say("custom", new Custom());
    say("empty class", new Empty());
    say("class itself", Thing);
    say("enum itself", Colour);
    var om = new haxe.ds.ObjectMap<Dynamic, Dynamic>(); om.set(new Thing(1, "k"), "v"); om.set({a:1}, 2);
    say("object map", om);
    var em = new haxe.ds.EnumValueMap<Colour, Int>(); em.set(Red, 1); em.set(Rgb(1,2,3), 2); em.set(Named("x"), 3);
    say("enum value map", em);
    var s = new Serializer(); s.serializeException("boom"); out("exception string\t" + s.toString());
    var s = new Serializer(); s.serializeException({code:5}); out("exception object\t" + s.toString());
    say("list", { var l = new List<Dynamic>(); l.add(1); l.add(null); l.add(null); l.add("x"); l; });
    say("floats", ([0.0, -0.0, 2.0, 0.1, 1e300, 1e-300, 1e15, 1e16, 1e17, 123456789012.0, 1e20,1e21, 1e-5, 1e-6, 1e-7, 3.141592653589793, Math.PI * 1e10, -2147483648.0, 4294967296.0, 2147483648.0] : Array<Float>));
    say("ints", ([0, 1, -1, 2147483647, -2147483648] : Array<Int>));
    say("uint", ([(0xffffffff : UInt), (5 : UInt)] : Array<UInt>));
    say("strings", "!'()*-_.~ /?&=+%\u00e9\u{1F600}\n\x00x");
    say("deep enum", Deep(Deep(Red)));
    say("nulls", [null, null, 1, null, 2, null, null, null]);
    var s = new Serializer(); s.useEnumIndex = true; s.serialize([Red, Rgb(1,2,3), Deep(Named("q"))]); out("enum index\t" + s.toString());
    var s = new Serializer(); s.useCache = true; var t = new Thing(1, "t"); var arr:Array<Dynamic> = [t, t]; arr.push(arr); s.serialize(arr); out("cache\t" + s.toString());
    var s = new Serializer(); s.useCache = true; var d = Date.fromTime(0); var b = haxe.io.Bytes.ofString("ab"); s.serialize(([d, d, b, b, Red, Red] : Array<Dynamic>)); out("cache 2\t" + s.toString());
    say("vector", haxe.ds.Vector.fromArrayCopy([1, 2]));
    say("string map", ["a" => 1, "b c" => 2]);
    say("int map", [1 => "a", -5 => "b"]);
    say("bytes", haxe.io.Bytes.ofString("Hello !"));
    say("empty int map", new Map<Int, Int>());
    say("haxe.io.Path", new haxe.io.Path("/a/b.c"));
    say("enum flags", { var f = new haxe.EnumFlags<Colour>(); f.set(Named("")); f; });
  }
}
