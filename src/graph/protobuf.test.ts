import { describe, expect, it } from "vitest";
import { MessageWriter } from "./protobuf.ts";

const hex = (writer: MessageWriter) => Buffer.from(writer.finish()).toString("hex");

describe("MessageWriter", () => {
  // The examples of protobuf.dev/programming-guides/encoding.
  it("writes varints, strings, packed integers and nested messages as the specification does", () => {
    expect(hex(new MessageWriter().int(1, 150))).toBe("089601");
    expect(hex(new MessageWriter().string(2, "testing"))).toBe("120774657374696e67");
    expect(hex(new MessageWriter().message(3, new MessageWriter().int(1, 150)))).toBe("1a03089601");
    expect(hex(new MessageWriter().ints(6, [3, 270, 86942]))).toBe("3206038e029ea705");
  });

  it("writes negative integers in ten bytes, and floats little-endian", () => {
    expect(hex(new MessageWriter().int(3, -1))).toBe("18ffffffffffffffffff01");
    expect(hex(new MessageWriter().float(2, 1))).toBe("150000803f");
  });
});
