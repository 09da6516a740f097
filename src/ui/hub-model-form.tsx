import { useState } from "react";
import { Button, Form } from "react-aria-components";
import { TextInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

/** Any model of the Hub, or of a mirror. */
export function HubModelForm() {
  const lab = useLab();
  const hub = useLabState((state) => state.picker.hub);
  const [id, setId] = useState("");
  return (
    <Form
      className="hub-model-form"
      onSubmit={(event) => {
        event.preventDefault();
        void lab.lookUp(id);
      }}
    >
      <TextInput
        label="Any model: owner/name, owner/name@revision or its address"
        value={id}
        testId="hub-model-id"
        onChange={setId}
      />
      <TextInput label="Hub or mirror" value={hub} testId="hub-url" onChange={lab.setHub} />
      <Button type="submit" isDisabled={id.trim() === ""} data-testid="hub-look-up">
        Look up
      </Button>
    </Form>
  );
}
