// Anthropic's official JavaScript client against a server, real or scripted: the last version that speaks 2023-06-01 and one that speaks
// 2026-10-21. What it needs to know stands in the environment:
//   BASE_URL       for instance http://127.0.0.1:8080
//   API_KEY        a key that is good for chat and for the list of models
//   MODEL          a model that says a few letters at least, and at temperature 0 always the same
//   FAILING_MODEL  optional: a model whose answers fail after they began (a scripted server has one)
// Run: npm install && node --test suite.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Before from 'anthropic-0';
import Since from 'anthropic-1';

const { BASE_URL: baseURL, API_KEY: apiKey, MODEL: model, FAILING_MODEL: failingModel } = process.env;
assert.ok(baseURL && apiKey && model, 'BASE_URL, API_KEY and MODEL must be set');

const messages = [{ role: 'user', content: 'Say something.' }];
const greedy = { model, messages, temperature: 0, max_tokens: 12 };
const reasons = ['end_turn', 'max_tokens'];

for (const [version, Anthropic] of [['before 1', Before], ['since 1', Since]]) {
  const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
  const check = (name, ...run) => test(`${version}: ${name}`, ...run);

  check('a message has text, a reason, usage and a request id', async () => {
    const answer = await client.messages.create(greedy);
    assert.match(answer.id, /^msg_/);
    assert.deepEqual([answer.type, answer.role, answer.model], ['message', 'assistant', model]);
    assert.equal(answer.content.length, 1);
    assert.equal(answer.content[0].type, 'text');
    assert.ok(answer.content[0].text.length > 0);
    assert.ok(reasons.includes(answer.stop_reason));
    assert.equal(answer.stop_sequence, null);
    assert.ok(answer.usage.input_tokens + answer.usage.cache_read_input_tokens > 0);
    assert.ok(answer.usage.output_tokens > 0);
    assert.match(answer._request_id, /^req_/);
  });

  check('a stream says the same as the whole message, in order', async () => {
    const whole = await client.messages.create(greedy);
    const types = [];
    let text = '';
    let end = null;
    for await (const event of await client.messages.create({ ...greedy, stream: true })) {
      if (types.at(-1) !== event.type) types.push(event.type);
      if (event.type === 'content_block_delta') text += event.delta.text;
      if (event.type === 'message_delta') end = event;
    }
    assert.deepEqual(types, [
      'message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']);
    assert.equal(text, whole.content[0].text);
    assert.equal(end.delta.stop_reason, whole.stop_reason);
    assert.equal(end.usage.output_tokens, whole.usage.output_tokens);
  });

  check('the stream helper puts the message together', async () => {
    const final = await client.messages.stream(greedy).finalMessage();
    assert.equal(final.role, 'assistant');
    assert.ok(final.content[0].text.length > 0);
    assert.ok(reasons.includes(final.stop_reason));
    assert.ok(final.usage.output_tokens > 0);
  });

  check('a stream can be left in the middle', async () => {
    for await (const event of await client.messages.create({ ...greedy, stream: true })) {
      assert.ok(event.type);
      break;
    }
  });

  check('a stop sequence ends the text before it and is named', async () => {
    const whole = (await client.messages.create(greedy)).content[0].text;
    const stop = Array.from(whole).slice(3, 5).join('');
    assert.ok(stop.length > 1, 'the model must say more than a word');
    const cut = await client.messages.create({ ...greedy, stop_sequences: [stop] });
    assert.equal(cut.content[0].text, whole.slice(0, whole.indexOf(stop)));
    assert.deepEqual([cut.stop_reason, cut.stop_sequence], ['stop_sequence', stop]);
  });

  check('blocks, a system prompt and what has no effect are taken', async () => {
    const answer = await client.messages.create({
      ...greedy,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Say something.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }],
      metadata: { user_id: 'somebody' },
      service_tier: 'auto',
      thinking: { type: 'disabled' },
    });
    assert.ok(answer.usage.output_tokens > 0);
  });

  check('the assistant can be given its beginning', async () => {
    const answer = await client.messages.create({ ...greedy, messages: [...messages, { role: 'assistant', content: 'Well, I' }] });
    assert.ok(answer.usage.output_tokens > 0);
  });

  check('tokens are counted as they are used', async () => {
    const { input_tokens: counted } = await client.messages.countTokens({ model, messages });
    const { usage } = await client.messages.create(greedy);
    assert.equal(counted, usage.input_tokens + usage.cache_read_input_tokens);
  });

  const weather = {
    name: 'weather',
    description: 'The weather in a city.',
    input_schema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris', 'Rome'] } }, required: ['city'], additionalProperties: false },
  };
  const calling = { ...greedy, max_tokens: 400, tools: [weather], tool_choice: { type: 'any', disable_parallel_tool_use: true } };

  check('a tool is called with what its schema allows, and its result is taken', async () => {
    const answer = await client.messages.create(calling);
    assert.equal(answer.stop_reason, 'tool_use');
    const call = answer.content.at(-1);
    assert.deepEqual([call.type, call.name], ['tool_use', 'weather']);
    assert.match(call.id, /^toolu_/);
    assert.ok(weather.input_schema.properties.city.enum.includes(call.input.city));
    const next = await client.messages.create({
      ...greedy,
      tools: [weather],
      tool_choice: { type: 'none' },
      messages: [
        ...messages,
        { role: 'assistant', content: answer.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'Sunny.' }] },
      ],
    });
    assert.ok(next.usage.output_tokens > 0);
    assert.notEqual(next.stop_reason, 'tool_use');
  });

  check('a streamed call is the same as the whole one, and its input comes in pieces', async () => {
    const named = { ...calling, tool_choice: { type: 'tool', name: 'weather', disable_parallel_tool_use: true } };
    const whole = (await client.messages.create(named)).content.at(-1);
    const stream = client.messages.stream(named);
    let json = '';
    stream.on('inputJson', piece => { json += piece; });
    const final = await stream.finalMessage();
    assert.equal(final.stop_reason, 'tool_use');
    assert.deepEqual(final.content.at(-1).input, whole.input);
    assert.deepEqual(JSON.parse(json), whole.input);
  });

  check('an answer is held to a schema', async () => {
    const asked = { ...greedy, max_tokens: 400, output_config: { format: { type: 'json_schema', schema: weather.input_schema } } };
    const answer = await client.messages.create(asked);
    assert.equal(answer.stop_reason, 'end_turn');
    const { city, ...others } = JSON.parse(answer.content[0].text);
    assert.ok(weather.input_schema.properties.city.enum.includes(city));
    assert.deepEqual(others, {});
    assert.equal((await client.messages.stream(asked).finalMessage()).content[0].text, answer.content[0].text);
  });

  check('models are listed over pages and described', async () => {
    const ids = [];
    for await (const each of client.models.list({ limit: 1 })) ids.push(each.id);
    assert.ok(ids.includes(model));
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) {
      const described = await client.models.retrieve(id);
      assert.deepEqual([described.id, described.type], [id, 'model']);
      assert.ok(Date.parse(described.created_at) > 0);
    }
  });

  const ended = async batch => {
    while (batch.processing_status !== 'ended') {
      assert.ok(['in_progress', 'canceling'].includes(batch.processing_status), batch.processing_status);
      await new Promise(resolve => setTimeout(resolve, 100));
      batch = await client.messages.batches.retrieve(batch.id);
    }
    return batch;
  };

  check('a batch answers its requests, and its results are read line by line', { timeout: 60_000 }, async () => {
    const made = await client.messages.batches.create({
      requests: [{ custom_id: 'good', params: greedy }, { custom_id: 'bad', params: { ...greedy, temperature: 9 } }],
    });
    assert.match(made.id, /^msgbatch_/);
    assert.equal(made.request_counts.processing, 2);
    const batch = await ended(made);
    assert.deepEqual(batch.request_counts, { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 0 });
    const results = {};
    for await (const { custom_id, result } of await client.messages.batches.results(batch.id)) results[custom_id] = result;
    assert.deepEqual([results.good.type, results.bad.type], ['succeeded', 'errored']);
    assert.equal(results.good.message.content[0].text, (await client.messages.create(greedy)).content[0].text);
    assert.equal(results.bad.error.error.type, 'invalid_request_error');
    assert.deepEqual(await client.messages.batches.delete(batch.id), { id: batch.id, type: 'message_batch_deleted' });
    await assert.rejects(client.messages.batches.retrieve(batch.id), error => error instanceof Anthropic.NotFoundError);
  });

  check('batches are listed over pages, canceled, and refused by the request at fault', { timeout: 60_000 }, async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.push((await client.messages.batches.create({ requests: [{ custom_id: 'a', params: greedy }] })).id);
    const canceled = await client.messages.batches.cancel(made[2]).catch(error => {
      // Also what is asked for at once may come too late.
      assert.ok(error instanceof Anthropic.BadRequestError);
      return client.messages.batches.retrieve(made[2]);
    });
    assert.ok(['canceling', 'ended'].includes(canceled.processing_status));
    const listed = [];
    for await (const each of client.messages.batches.list({ limit: 1 })) listed.push(each.id);
    assert.deepEqual(listed.filter(id => made.includes(id)), made.toReversed());
    for (const id of made) await ended(await client.messages.batches.retrieve(id));
    await assert.rejects(
      client.messages.batches.create({ requests: [{ custom_id: 'a b', params: greedy }] }),
      error => error instanceof Anthropic.BadRequestError && /requests\[0\]\.custom_id/.test(error.message));
  });

  check('a wrong key is an AuthenticationError', async () => {
    const stranger = new Anthropic({ baseURL, apiKey: 'wrong', maxRetries: 0 });
    for (const call of [() => stranger.messages.create(greedy), () => stranger.models.list()])
      await assert.rejects(call, error => {
        assert.ok(error instanceof Anthropic.AuthenticationError);
        assert.equal(error.status, 401);
        assert.equal(error.type, 'authentication_error');
        return true;
      });
  });

  check('an unknown model is a NotFoundError', async () => {
    await assert.rejects(client.messages.create({ ...greedy, model: 'no-such-model' }), error => {
      assert.ok(error instanceof Anthropic.NotFoundError);
      assert.equal(error.error.error.type, 'not_found_error');
      assert.equal(error.requestID, error.error.request_id);
      return true;
    });
  });

  check('a value out of range is a BadRequestError that names the field', async () => {
    await assert.rejects(client.messages.create({ ...greedy, temperature: 9 }), error => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.match(error.message, /temperature/);
      assert.equal(error.type, 'invalid_request_error');
      return true;
    });
  });

  // A scripted server's model thinks where it is asked to.
  if (failingModel) {
    const thinking = { type: 'enabled', budget_tokens: 1024 };

    check('a thought comes before the text, whole and streamed, and goes back with its signature', async () => {
      const asked = { ...greedy, max_tokens: 2000, thinking };
      const whole = await client.messages.create(asked);
      assert.deepEqual(whole.content.map(block => block.type), ['thinking', 'text']);
      assert.equal(whole.content[0].thinking, 'Let me see.');
      assert.ok(whole.content[0].signature.length > 0);
      assert.deepEqual((await client.messages.stream(asked).finalMessage()).content, whole.content);
      const next = await client.messages.create({ ...asked, messages: [...messages, { role: 'assistant', content: whole.content }, ...messages] });
      assert.equal(next.content.length, 2);
    });

    check('a full server is a RateLimitError', async () => {
      await assert.rejects(
        client.messages.create({ ...greedy, model: failingModel }), error => error instanceof Anthropic.RateLimitError && error.status === 429);
    });

    check('a stream that fails in the middle throws, and is never taken for complete', async () => {
      const stream = await client.messages.create({ ...greedy, model: failingModel, stream: true });
      await assert.rejects(async () => {
        for await (const event of stream) assert.notEqual(event.type, 'message_stop');
      }, error => error instanceof Anthropic.APIError && error.type === 'rate_limit_error');
    });
  }
}
