import assert from "node:assert/strict";
import { baseOf, baseSubject } from "../../src/message/base_subject.ts";

const cases: [subject: string, base: string, isReply: boolean][] = [
  ["", "", false],
  ["hello", "hello", false],
  ["  hello \t world ", "hello world", false],
  ["Re: hello", "hello", true],
  ["RE:hello", "hello", true],
  ["re : hello", "hello", true],
  ["Fw: hello", "hello", true],
  ["Fwd: hello", "hello", true],
  ["FWD : hello", "hello", true],
  ["Re: Re: Fwd: hello", "hello", true],
  ["Re[2]: hello", "hello", true],
  ["Re [2] : hello", "hello", true],
  ["Re[2: hello", "Re[2: hello", false],
  ["[list] hello", "hello", false],
  ["[list] Re: hello", "hello", true],
  ["[a] [b] Re: [c] hello", "hello", true],
  ["Re: [list] Re: hello", "hello", true],
  ["[list]", "[list]", false],
  ["Re: [list]", "[list]", true],
  ["[a] [b]", "[b]", false],
  ["[a [b] c", "[a [b] c", false],
  ["hello (fwd)", "hello", true],
  ["hello (FWD) (fwd) ", "hello", true],
  ["[fwd: hello]", "hello", true],
  ["[Fwd: Re: hello]", "hello", true],
  ["[fwd: [fwd: hello] ]", "hello", true],
  ["Re: [fwd: hello (fwd)]", "hello", true],
  ["[fwd: hello", "[fwd: hello", false],
  ["[fwd:]", "", true],
  ["Re:", "", true],
  ["Re: ", "", true],
  ["(fwd)", "", true],
  ["Regarding: hello", "Regarding: hello", false],
  ["Rebecca", "Rebecca", false],
  ["fw", "fw", false],
  ["hello Re: world", "hello Re: world", false],
  ["Re: ä😀", "ä😀", true],
];

for (const [subject, base, isReply] of cases) {
  Deno.test(`the base subject of ${JSON.stringify(subject)}`, () => {
    assert.deepEqual(baseOf(subject), { base, isReply });
    assert.equal(baseSubject(base), base); // a base subject is its own
  });
}
