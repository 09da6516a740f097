import type { ReactNode } from "react";
import {
  Button,
  Group,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  NumberField,
  Popover,
  Radio,
  RadioGroup,
  Select,
  SelectValue,
  Slider,
  SliderOutput,
  SliderThumb,
  SliderTrack,
  Switch,
  TextArea,
  TextField,
} from "react-aria-components";

/** A labelled on/off switch. */
export function SwitchField(props: {
  readonly label: string;
  /** What is switched, for screen readers, where the visible label is only "on" or "off". */
  readonly name?: string;
  readonly isOn: boolean;
  readonly isDisabled?: boolean;
  readonly testId?: string;
  readonly onChange: (isOn: boolean) => void;
}) {
  return (
    <Switch
      isSelected={props.isOn}
      isDisabled={props.isDisabled ?? false}
      onChange={props.onChange}
      data-testid={props.testId}
      {...(props.name && { "aria-label": props.name })}
    >
      <span className="switch-track" aria-hidden="true" />
      {props.label}
    </Switch>
  );
}

/** A slider with one thumb per value and its values written beside the label. */
export function SliderField(props: {
  readonly label: string;
  readonly values: readonly number[];
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly isDisabled?: boolean;
  readonly testId?: string;
  /** Names of the thumbs, for screen readers. */
  readonly thumbs: readonly string[];
  readonly format?: (values: readonly number[]) => string;
  readonly onChange: (values: readonly number[]) => void;
}) {
  const { values, format } = props;
  return (
    <Slider
      value={[...values]}
      minValue={props.min}
      maxValue={Math.max(props.max, props.min)}
      step={props.step ?? 1}
      isDisabled={(props.isDisabled ?? false) || props.max <= props.min}
      onChange={(next: number[]) => props.onChange(next)}
      data-testid={props.testId}
    >
      <Label>{props.label}</Label>
      <SliderOutput>{format ? format(values) : values.join("–")}</SliderOutput>
      <SliderTrack>
        {({ state }) => {
          const percents = values.map((_, i) => state.getThumbPercent(i) * 100);
          const start = percents.length > 1 ? percents[0]! : 0;
          const end = percents[percents.length - 1]!;
          return (
            <>
              <div className="slider-rail" />
              <div className="slider-fill" style={{ left: `${start}%`, width: `${end - start}%` }} />
              {props.thumbs.map((name, i) => (
                <SliderThumb key={name} index={i} aria-label={name} />
              ))}
            </>
          );
        }}
      </SliderTrack>
    </Slider>
  );
}

/** A number that can be typed, or stepped with its buttons. */
export function NumberInput(props: {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly isDisabled?: boolean;
  readonly hidesLabel?: boolean;
  readonly testId?: string;
  readonly onChange: (value: number) => void;
}) {
  return (
    <NumberField
      value={props.value}
      minValue={props.min}
      maxValue={Math.max(props.max, props.min)}
      step={props.step}
      isDisabled={props.isDisabled ?? false}
      onChange={(value) => !Number.isNaN(value) && props.onChange(value)}
      {...(props.hidesLabel && { "aria-label": props.label })}
    >
      {!props.hidesLabel && <Label>{props.label}</Label>}
      <Group>
        <Button slot="decrement">−</Button>
        <Input data-testid={props.testId} />
        <Button slot="increment">+</Button>
      </Group>
    </NumberField>
  );
}

/** Text of several lines. */
export function TextAreaField(props: {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly testId?: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <TextField value={props.value} onChange={props.onChange}>
      <Label>{props.label}</Label>
      <TextArea rows={props.rows} spellCheck="false" data-testid={props.testId} />
    </TextField>
  );
}

/** A line of text. */
export function TextInput(props: {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly testId?: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <TextField value={props.value} onChange={props.onChange}>
      <Label>{props.label}</Label>
      <Input
        spellCheck="false"
        autoCapitalize="off"
        data-testid={props.testId}
        placeholder={props.placeholder ?? ""}
      />
    </TextField>
  );
}

export interface Option<T extends string> {
  readonly id: T;
  readonly label: string;
  /** Shown in place of the label, which then is the accessible name. */
  readonly icon?: ReactNode;
}

/** A choice from a list. */
export function SelectField<T extends string>(props: {
  readonly label: string;
  readonly value: T | null;
  readonly options: readonly Option<T>[];
  readonly isDisabled?: boolean;
  readonly placeholder?: string;
  readonly testId?: string;
  readonly onChange: (value: T) => void;
}) {
  return (
    <Select
      value={props.value}
      isDisabled={(props.isDisabled ?? false) || props.options.length === 0}
      placeholder={props.placeholder ?? "none"}
      onChange={(key) => {
        const option = props.options.find(({ id }) => id === key);
        if (option) props.onChange(option.id);
      }}
      data-testid={props.testId}
    >
      <Label>{props.label}</Label>
      <Button>
        <SelectValue />
        <span className="chevron" aria-hidden="true" />
      </Button>
      <Popover>
        <ListBox items={props.options}>
          {(option) => <ListBoxItem id={option.id}>{option.label}</ListBoxItem>}
        </ListBox>
      </Popover>
    </Select>
  );
}

/** A choice among few, all in sight. */
export function SegmentField<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly isDisabled?: boolean;
  readonly hidesLabel?: boolean;
  readonly testId?: string;
  readonly onChange: (value: T) => void;
  readonly children?: ReactNode;
}) {
  return (
    <RadioGroup
      value={props.value}
      orientation="horizontal"
      isDisabled={props.isDisabled ?? false}
      onChange={(value) => {
        const option = props.options.find(({ id }) => id === value);
        if (option) props.onChange(option.id);
      }}
      data-testid={props.testId}
      {...(props.hidesLabel && { "aria-label": props.label })}
    >
      {!props.hidesLabel && <Label>{props.label}</Label>}
      <div className="segments">
        {props.options.map(({ id, label, icon }) => (
          <Radio
            key={id}
            value={id}
            data-testid={props.testId && `${props.testId}-${id}`}
            {...(icon && { "aria-label": label })}
          >
            {icon ? <span title={label}>{icon}</span> : label}
          </Radio>
        ))}
      </div>
      {props.children}
    </RadioGroup>
  );
}
