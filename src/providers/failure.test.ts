import { APICallError, InvalidPromptError, LoadAPIKeyError } from '@ai-sdk/provider';
import { NoOutputGeneratedError, RetryError, StreamProviderError } from 'ai';
import { describe, expect, it } from 'vitest';
import { ParleyError } from '../domain/errors.ts';
import { classifyFailure } from './failure.ts';

const NOW = Date.UTC(2026, 0, 1);
const call = (statusCode: number | undefined, more: Partial<ConstructorParameters<typeof APICallError>[0]> = {}) =>
  new APICallError({
    message: 'Wrong key sk-secret-123 for the prompt "my diary"',
    url: 'http://x/v1',
    requestBodyValues: { prompt: 'my diary' },
    ...(statusCode === undefined ? {} : { statusCode }),
    ...more,
  });
const systemError = (code: string) => Object.assign(new Error(`connect ${code} my diary`), { code });

describe('classifying failures', () => {
  it.each([
    [400, 'rejected'],
    [401, 'misconfigured'],
    [402, 'misconfigured'],
    [403, 'misconfigured'],
    [404, 'misconfigured'],
    [408, 'timeout'],
    [413, 'rejected'],
    [422, 'rejected'],
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [529, 'unavailable'],
  ])('[PRV-02] HTTP %i is %s', (status, kind) => {
    expect(classifyFailure(call(status), NOW)).toEqual({ kind, detail: `HTTP ${status}` });
    expect(classifyFailure(new StreamProviderError({ message: 'late', statusCode: status }), NOW).kind).toBe(kind);
  });

  it.each([
    ['ECONNREFUSED', call(undefined, { cause: systemError('ECONNREFUSED') })],
    ['ENOTFOUND', call(undefined, { cause: systemError('ENOTFOUND') })],
    ['ECONNRESET', systemError('ECONNRESET')],
    ['UND_ERR_SOCKET', new TypeError('terminated', { cause: systemError('UND_ERR_SOCKET') })],
    ['UND_ERR_SOCKET', call(200, { cause: new TypeError('terminated', { cause: systemError('UND_ERR_SOCKET') }) })],
  ])('[PRV-02] %s is the network', (detail, error) => {
    expect(classifyFailure(error, NOW)).toEqual({ kind: 'network', detail });
  });

  it.each([
    ['timeout', new DOMException('Chunk timeout of 60000ms exceeded', 'TimeoutError')],
    ['malformed', call(200)],
    ['malformed', new NoOutputGeneratedError()],
    ['malformed', 'a string'],
    ['misconfigured', new LoadAPIKeyError({ message: 'no key' })],
    ['misconfigured', new ParleyError('PROVIDER_MISCONFIGURED', 'xAI is not set up')],
    ['misconfigured', call(400, { responseBody: '{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}' })],
    ['rejected', new InvalidPromptError({ prompt: 'my diary', message: 'bad' })],
    ['refused', call(400, { responseBody: '{"error":{"code":"content_filter"}}' })],
    ['unavailable', new StreamProviderError({ message: 'overloaded' })],
    ['rate-limited', new RetryError({ message: 'tried', reason: 'maxRetriesExceeded', errors: [call(429)] })],
  ])('[PRV-02] %s: %s', (kind, error) => {
    expect(classifyFailure(error, NOW).kind).toBe(kind);
  });

  it.each([
    [{ 'retry-after': '20' }, 20_000],
    [{ 'retry-after': new Date(NOW + 90_000).toUTCString() }, 90_000],
    [{ 'retry-after': new Date(NOW - 90_000).toUTCString() }, 0],
    [{ 'retry-after': '-5' }, 0],
    [{ 'retry-after-ms': '1500', 'retry-after': '2' }, 1500],
    [{ 'retry-after': 'soon' }, undefined],
  ])('[PRV-02] %o asks for %s ms', (responseHeaders, wait) => {
    expect(classifyFailure(call(429, { responseHeaders }), NOW).retryAfterMs).toBe(wait);
  });

  it.each([
    '{"error":{"message":"Wrong key sk-secret-123","type":"invalid_request_error","code":"invalid_api_key"}}',
    '{"error":{"message":"my diary","code":"sk-secret-123"}}',
    'my diary sk-secret-123',
  ])('[PRV-02] neither key nor prompt gets into a detail: %s', (responseBody) => {
    const { detail } = classifyFailure(call(401, { responseBody }), NOW);
    expect(detail).toMatch(/^HTTP 401(?: invalid_api_key)?$/);
  });
});
