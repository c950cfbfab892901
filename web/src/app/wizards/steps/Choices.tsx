// One of several, each with its picture and in plain words.

import { Group, Input, Radio, Text } from "@mantine/core";
import type { ReactNode } from "react";

export interface Choice {
  value: string;
  label: string;
  about?: string;
  picture?: ReactNode;
}

interface Props {
  label: string;
  value: string | null;
  change: (value: string) => void;
  choices: Choice[];
  error?: string;
  disabled?: boolean;
  /** Beside each other, where there is room. */
  wide?: boolean;
}

export const Choices = ({ label, value, change, choices, error, disabled, wide }: Props) => {
  // One stop for the tab key: the arrows choose among them.
  const stop = choices.find((one) => one.value === value) ?? choices[0];
  return (
    <div data-wrong={error ? true : undefined}>
      <Radio.Group label={label} value={value} onChange={change} error={error}>
        <div className={wide ? "kinds" : "choices"}>
          {choices.map((one) => (
            <Radio.Card key={one.value} value={one.value} p="md" className="kind" data-whole={(wide && one.about) || undefined} aria-label={one.label} aria-description={one.about} disabled={disabled} tabIndex={one === stop ? 0 : -1}>
              <Group wrap="nowrap" align="flex-start" gap="sm">
                <Radio.Indicator mt={2} />
                {one.picture}
                <div><Text component="span" display="block" fw={500}>{one.label}</Text>{one.about && <Text component="span" display="block" size="sm" c="dimmed">{one.about}</Text>}</div>
              </Group>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
    </div>
  );
};

/** A group of fields that belong together. */
export const Part = ({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) => (
  <fieldset className="inset">
    <legend className="legend">{title}</legend>
    {about && <Input.Description component="div">{about}</Input.Description>}
    {children}
  </fieldset>
);
