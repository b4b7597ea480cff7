import assert from "node:assert/strict";
import { test } from "node:test";
import { amount, amountCell } from "./coins";
import { hostOf, hue, name, region, short } from "./text";
import { ago, duration, every, moment, roughly } from "./time";
import { NOTHING, count, difficulty, hashrate, hashrateBand, milliseconds, percent, plural } from "./units";

/** No-break and thin spaces as plain ones, so that expectations can be read. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");
const HOLES = [null, undefined, NaN, Infinity, -Infinity] as const;
const COIN = { name: "Bitcoin", symbol: "BTC", decimals: 8 };

test("what is not known is a dash, whatever the format", () => {
  for (const hole of HOLES) {
    for (const format of [hashrate, difficulty, count, percent, milliseconds, duration, roughly, every, moment]) {
      assert.equal(format(hole), NOTHING, `${format.name}(${hole})`);
    }
    assert.equal(amount(hole, COIN), NOTHING);
    assert.equal(ago(hole, 100), NOTHING);
    assert.equal(hashrateBand(hole, 1), NOTHING);
  }
});

test("hash rates have three digits and the largest prefix that fits", () => {
  const cases: [number, string][] = [
    [0, "0 H/s"],
    [7, "7 H/s"],
    [12.34, "12.3 H/s"],
    [999, "999 H/s"],
    [999.6, "1.00 kH/s"],
    [123_456, "123 kH/s"],
    [999_499_999, "999 MH/s"],
    [999_500_000, "1.00 GH/s"],
    [2.5e21, "2.50 ZH/s"],
    [5e30, "5000000 YH/s"],
  ];
  for (const [rate, text] of cases) assert.equal(plain(hashrate(rate)), text);
});

test("a band names its unit once if both ends have the same", () => {
  assert.equal(plain(hashrateBand(11.9e12, 12.9e12)), "11.9–12.9 TH/s");
  assert.equal(plain(hashrateBand(900e9, 1.1e12)), "900 GH/s–1.10 TH/s");
});

test("percentages claim no certainty that is not there", () => {
  assert.equal(plain(percent(0)), "0 %");
  assert.equal(plain(percent(0.001)), "< 0.01 %");
  assert.equal(plain(percent(9.999)), "10.0 %");
  assert.equal(plain(percent(99.95)), "> 99.9 %");
  assert.equal(plain(percent(100)), "100 %");
  assert.equal(plain(percent(140.2)), "140 %");
});

test("difficulties of test networks keep their digits", () => {
  assert.equal(difficulty(0), "0");
  assert.equal(difficulty(0.00024), "2.4e-4");
  assert.equal(plain(difficulty(1.263e14)), "126 T");
});

test("counts are grouped and agree with their noun", () => {
  assert.equal(plain(count(1234567)), "1 234 567");
  assert.equal(plain(count(-1234)), "-1 234");
  assert.equal(plural(1, "worker"), "1 worker");
  assert.equal(plural(2, "address", "addresses"), "2 addresses");
});

test("amounts have the coin's decimals, exactly", () => {
  assert.equal(plain(amount(0, COIN)), "0 BTC");
  assert.equal(plain(amount(1, COIN)), "0.00000001 BTC");
  assert.equal(plain(amount(5_000_000_000, COIN)), "50 BTC");
  assert.equal(plain(amount(-123_000_000, COIN)), "-1.23 BTC");
  assert.equal(plain(amount(1_234_567_890_000_000, COIN)), "12 345 678.9 BTC");
  assert.equal(plain(amountCell(5_000_000_000, COIN)), "50.00000000 BTC");
  assert.equal(plain(amount(42, { ...COIN, decimals: 0 })), "42 BTC");
  assert.equal(plain(amount(1234, null)), "1 234 base units");
});

test("a coin with absurd decimals fills no page with zeros", () => {
  assert.ok(amount(1, { ...COIN, decimals: 1e9 }).length < 30);
  assert.equal(plain(amount(7, { ...COIN, decimals: -3 })), "7 BTC");
});

test("durations have their two largest units", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [59.4, "59 s"],
    [61, "1 min 1 s"],
    [3599, "59 min"],
    [3600, "1 h"],
    [93_211, "1 d 1 h"],
    [40_000_000, "1 y"],
    [1e12, "over 1000 years"],
  ];
  for (const [seconds, text] of cases) assert.equal(plain(duration(seconds)), text);
});

test("what is uncertain is said in one unit", () => {
  assert.equal(plain(roughly(61_000)), "17 hours");
  assert.equal(plain(roughly(1)), "1 second");
  assert.equal(every(1), "every second");
  assert.equal(plain(every(300)), "every 5 minutes");
  assert.equal(plain(roughly(1e15)), "1000 years");
});

test("times of clocks that differ are never in the future", () => {
  assert.equal(ago(105, 100), "now");
  assert.equal(plain(ago(90, 100)), "10 s ago");
  assert.equal(moment(1e15), NOTHING);
});

test("names of strangers cannot turn the line around or fill it", () => {
  assert.equal(name("rig\u202egnp.exe"), "riggnp.exe");
  assert.equal(name("a\u0000b\nc"), "abc");
  assert.equal(name("   ", "unnamed"), "unnamed");
  assert.equal(name("x".repeat(500)).length, 40);
  assert.equal(name("<b>"), "<b>");
});

test("ids are shown by their ends, hosts with their port", () => {
  assert.equal(short("bc1qxyzxyzxyzxyz12", 4, 4), "bc1q…yz12");
  assert.equal(short("bc1q…9fQz"), "bc1q…9fQz");
  assert.equal(hostOf("/ip4/1.2.3.4/tcp/13333"), "1.2.3.4:13333");
  assert.equal(hostOf("/ip6/2001:db8::1/udp/13333/quic-v1"), "[2001:db8::1]:13333");
  assert.equal(hostOf("odd"), "odd");
  assert.equal(region("-"), "unknown region");
  assert.equal(region("eu"), "Europe");
});

test("an address has the same hue every time", () => {
  assert.equal(hue("bc1qabc"), hue("bc1qabc"));
  assert.ok(hue(null) >= 0 && hue("x") < 360);
});
