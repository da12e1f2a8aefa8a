import * as baileys from 'baileys';
import { describe, expect, it } from 'vitest';
import { aliasesOf, identify, idsOf, jidOf } from './identity.ts';
import type { Person } from './sessions.ts';

const ANN: Person = { id: '+15550100', lid: '900100@lid', phone: '+15550100', name: 'Ann' };

const knowing = (...persons: Person[]) => ({
  person: (lid: string | null, phone: string | null): Person | null =>
    persons.find(
      (one) =>
        ((lid !== null && one.lid === lid) || (phone !== null && one.phone === phone)) &&
        (lid === null || one.lid === null || one.lid === lid),
    ) ?? null,
});

describe('who somebody on WhatsApp is', () => {
  it.each([
    [['15550100@s.whatsapp.net'], { lid: null, phone: '+15550100' }],
    [['15550100:7@s.whatsapp.net', '900100:7@lid'], { lid: '900100@lid', phone: '+15550100' }],
    [['900100@lid', undefined], { lid: '900100@lid', phone: null }],
    [['900100:99@hosted.lid', '15550100:99@hosted'], { lid: '900100@lid', phone: '+15550100' }],
    [['1203630@g.us', 'status@broadcast', 'nonsense'], { lid: null, phone: null }],
  ])('[WHA-05] %j are %j', (jids, ids) => {
    expect(idsOf(baileys, ...jids)).toEqual(ids);
  });

  it('[WHA-05] at first sight the phone is the id when it is known, else the LID', () => {
    expect(identify(knowing(), { lid: ANN.lid, phone: ANN.phone }, 'Ann')).toEqual(ANN);
    expect(identify(knowing(), { lid: ANN.lid, phone: null }, null)).toEqual({
      id: ANN.lid,
      lid: ANN.lid,
      phone: null,
      name: null,
    });
    expect(identify(knowing(), { lid: null, phone: null }, 'Ann')).toBeNull();
  });

  it('[WHA-05] later, the id stays and the other becomes an alias', () => {
    const byLid: Person = { id: '900100@lid', lid: '900100@lid', phone: null, name: null };
    const found = identify(knowing(byLid), { lid: ANN.lid, phone: ANN.phone }, 'Ann');
    expect(found).toEqual({ ...ANN, id: '900100@lid' });
    expect(found && aliasesOf(found)).toEqual(['+15550100']);
    expect(identify(knowing(ANN), { lid: ANN.lid, phone: null }, null)).toEqual(ANN);
    expect(identify(knowing(ANN), { lid: null, phone: ANN.phone }, 'Annie')).toEqual({ ...ANN, name: 'Annie' });
    expect(aliasesOf(ANN)).toEqual(['900100@lid']);
  });

  it('[SEC-01] who takes over a number is not called by it', () => {
    const found = identify(knowing(ANN), { lid: '900999@lid', phone: ANN.phone }, null);
    expect(found).toEqual({ id: '900999@lid', lid: '900999@lid', phone: ANN.phone, name: null });
  });

  it.each([
    ['+15550100', '15550100@s.whatsapp.net'],
    ['900100@lid', '900100@lid'],
    ['1203630-12@g.us', '1203630-12@g.us'],
    ['15550100', null],
    ['+1555 0100', null],
    ['status@broadcast', null],
    ['+15550100@s.whatsapp.net', null],
  ])('[WHA-05] what is for %s goes to %s', (id, jid) => {
    expect(jidOf(id)).toBe(jid);
  });
});
