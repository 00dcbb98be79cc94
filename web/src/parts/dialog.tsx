/** One dialog at a time: it says what will happen, and its button is named for it. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Problem } from '../api.js';

export interface Question {
  readonly title: string;
  readonly explanation?: string;
  /** What is asked for, in order. */
  readonly fields?: readonly Field[];
  /** The name of the button that does it. */
  readonly action: string;
  readonly isGrave?: boolean;
  /** Said when it is done. */
  readonly done?: string;
  run(answers: Readonly<Record<string, string>>): Promise<unknown>;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'password';
  readonly isRequired?: boolean;
  readonly placeholder?: string;
  readonly value?: string;
  readonly options?: readonly string[];
}

const question = signal<Question | null>(null);
const trouble = signal<Error | null>(null);
const isBusy = signal(false);
/** Read out, and shown for a while. */
const said = signal<string | null>(null);
const saidMs = 6_000;

export function ask(next: Question): void {
  trouble.value = null;
  question.value = next;
}

export function say(text: string): void {
  said.value = text;
  setTimeout(() => {
    if (said.value === text) said.value = null;
  }, saidMs);
}

export function Dialog() {
  const box = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked === null) box.current?.close();
    else box.current?.showModal();
  }, [asked]);
  return (
    <>
      <dialog ref={box} onClose={() => (question.value = null)} aria-labelledby="dialog-title">
        {asked === null ? null : <Asked asked={asked} />}
      </dialog>
      <p class="said" role="status">
        {said.value}
      </p>
    </>
  );
}

function Asked({ asked }: { readonly asked: Question }) {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void answer(
      asked,
      Object.fromEntries([...form].map(([name, value]) => [name, typeof value === 'string' ? value.trim() : ''])),
    );
  };
  return (
    <form method="dialog" onSubmit={submit}>
      <h2 id="dialog-title">{asked.title}</h2>
      {asked.explanation === undefined ? null : <p>{asked.explanation}</p>}
      {asked.fields?.map(field => (
        <label key={field.name}>
          {field.label}
          <Input field={field} />
        </label>
      ))}
      <Trouble of={trouble.value} />
      <div class="dialog-buttons">
        <button type="button" onClick={() => (question.value = null)}>
          Cancel
        </button>
        <button type="submit" class={asked.isGrave === true ? 'is-grave' : 'is-main'} disabled={isBusy.value}>
          {asked.action}
        </button>
      </div>
    </form>
  );
}

function Input({ field }: { readonly field: Field }) {
  const { name, type = 'text', isRequired = false, placeholder, value, options } = field;
  if (options !== undefined) {
    return (
      <select name={name}>
        {options.map(option => (
          <option key={option}>{option}</option>
        ))}
      </select>
    );
  }
  const more = { name, required: isRequired, placeholder, value, autoComplete: 'off' };
  return type === 'password' ? <input type="password" {...more} /> : <input type="text" {...more} />;
}

export function Trouble({ of }: { readonly of: Error | null }): ComponentChildren {
  if (of === null) return null;
  const next = of instanceof Problem ? of.next : null;
  return (
    <p class="trouble" role="alert">
      {of.message}
      {next === null ? '' : `: ${next}`}
    </p>
  );
}

async function answer(asked: Question, answers: Record<string, string>): Promise<void> {
  isBusy.value = true;
  try {
    await asked.run(answers);
    question.value = null;
    if (asked.done !== undefined) say(asked.done);
  } catch (error) {
    trouble.value = error instanceof Error ? error : new Error(String(error));
  } finally {
    isBusy.value = false;
  }
}
