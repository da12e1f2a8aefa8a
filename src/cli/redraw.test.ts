import { describe, expect, it } from 'vitest';
import { Redraw } from './redraw.ts';

function onScreen(isTTY: boolean, work: (place: Redraw) => void): string {
  let written = '';
  const write = (text: string | Uint8Array): boolean => {
    written += String(text);
    return true;
  };
  work(new Redraw({ isTTY, write }));
  return written;
}

describe('a place on the terminal', () => {
  it('[CLI-02] a text takes the place of the one before', () => {
    const written = onScreen(true, (place) => {
      place.draw('one\ntwo');
      place.draw('three');
    });
    expect(written).toBe('one\ntwo\n\u001b[2F\u001b[Jthree\n');
  });

  it('[CLI-02] but for what is to stay', () => {
    const written = onScreen(true, (place) => {
      place.draw('one');
      place.end();
      place.draw('two');
    });
    expect(written).toBe('one\ntwo\n');
  });

  it('[CLI-02] where there is no terminal, it comes after it', () => {
    const written = onScreen(false, (place) => {
      place.draw('one');
      place.draw('two');
    });
    expect(written).toBe('one\ntwo\n');
  });
});
