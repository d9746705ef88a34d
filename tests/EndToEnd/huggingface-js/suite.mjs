// Hugging Face's official JavaScript client against a server, real or scripted. What it needs to know stands in the environment:
//   BASE_URL       for instance http://127.0.0.1:8080
//   API_KEY        a key that is good for chat
//   MODEL          a model that says a few letters at least, and at temperature 0 always the same
// Run: npm install && node --test suite.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';

const { BASE_URL: baseUrl, API_KEY: apiKey, MODEL: model } = process.env;
assert.ok(baseUrl && apiKey && model, 'BASE_URL, API_KEY and MODEL must be set');

const client = new InferenceClient(apiKey);
const modelUrl = `${baseUrl}/models/${model}`;
const parameters = { max_new_tokens: 12, temperature: 0, do_sample: false, return_full_text: false };
const chat = { messages: [{ role: 'user', content: 'Say something.' }], temperature: 0, max_tokens: 12 };

// The forms in which a user can name this server and a model of it.
const places = {
  'a model by its base URL': { endpointUrl: modelUrl },
  'a model by its base URL with a version': { endpointUrl: `${modelUrl}/v1` },
  'a model by its name': { endpointUrl: baseUrl, model },
  'the default model': { endpointUrl: baseUrl },
};

for (const [place, where] of Object.entries(places)) {
  test(`text generation and its stream say the same: ${place}`, async () => {
    const whole = await client.textGeneration({ ...where, inputs: 'Once upon', parameters }, { retry_on_error: false });
    assert.ok(whole.generated_text.length > 0);
    let text = '';
    for await (const event of client.textGenerationStream({ ...where, inputs: 'Once upon', parameters }, { retry_on_error: false }))
      text += event.choices?.[0]?.text ?? '';
    assert.equal(text, whole.generated_text);
  });

  test(`chat completion and its stream say the same: ${place}`, async () => {
    const whole = await client.chatCompletion({ ...where, ...chat });
    assert.equal(whole.choices[0].message.role, 'assistant');
    let text = '';
    for await (const chunk of client.chatCompletionStream({ ...where, ...chat }))
      text += chunk.choices[0]?.delta?.content ?? '';
    assert.ok(text.length > 0);
    assert.equal(text, whole.choices[0].message.content);
  });
}

test('features of a text are numbers, of several texts one vector each', async () => {
  const one = await client.featureExtraction({ endpointUrl: `${modelUrl}/pipeline/feature-extraction`, inputs: 'A text.' });
  assert.ok(one.length > 1 && one.every(value => typeof value === 'number'));
  for (const endpointUrl of [`${modelUrl}/pipeline/feature-extraction`, modelUrl, `${modelUrl}/embed`, baseUrl, `${baseUrl}/tei`]) {
    const several = await client.featureExtraction({ endpointUrl, inputs: ['A text.', 'Another one, which is longer.'] });
    assert.deepEqual(several[0].map(Math.fround), one.map(Math.fround));
    assert.equal(several.length, 2);
  }
});

test('a sentence is as similar to itself as can be', async () => {
  const inputs = { source_sentence: 'A text.', sentences: ['A text.', 'Something else altogether.'] };
  for (const endpointUrl of [modelUrl, `${modelUrl}/pipeline/sentence-similarity`, `${modelUrl}/similarity`, baseUrl]) {
    const scores = await client.sentenceSimilarity({ endpointUrl, inputs });
    assert.equal(scores.length, 2);
    assert.ok(Math.abs(scores[0] - 1) < 1e-5);
    assert.ok(scores[1] <= scores[0]);
  }
});

test('a task that no model does is refused in words', async () => {
  const wrong = { endpointUrl: `${modelUrl}/pipeline/text-classification`, inputs: 'A text.' };
  await assert.rejects(client.textClassification(wrong), /text-classification/);
});

test('an endpoint is a client of its own', async () => {
  const endpoint = client.endpoint(modelUrl);
  const answer = await endpoint.textGeneration({ inputs: 'Once upon', parameters });
  assert.ok(answer.generated_text.length > 0);
});

test('a wrong value is told in the words of the server', async () => {
  const wrong = { endpointUrl: modelUrl, inputs: 'Once', parameters: { max_new_tokens: -1 } };
  await assert.rejects(client.textGeneration(wrong, { retry_on_error: false }), error => {
    assert.match(error.message, /max_tokens/);
    assert.equal(error.httpResponse.status, 422);
    return true;
  });
});

test('a wrong key is told', async () => {
  const stranger = new InferenceClient('not-a-key');
  await assert.rejects(stranger.textGeneration({ endpointUrl: modelUrl, inputs: 'Once' }, { retry_on_error: false }), error => {
    assert.equal(error.httpResponse.status, 401);
    return true;
  });
});

// Text Generation Inference itself, as clients of other languages call it.
const post = async (path, body) => {
  const response = await fetch(`${modelUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  return response;
};
const greedy = { inputs: 'Once upon', parameters: { max_new_tokens: 12, details: true } };

test('the events of generate_stream make the text of generate', async () => {
  const whole = await (await post('/generate', greedy)).json();
  const stream = await (await post('/generate_stream', greedy)).text();
  const events = stream.split('\n').filter(line => line.startsWith('data:')).map(line => JSON.parse(line.slice(5)));
  const told = events.filter(event => !event.token.special).map(event => event.token.text).join('');
  assert.equal(told, whole.generated_text);
  assert.equal(events.at(-1).generated_text, whole.generated_text);
  assert.deepEqual(events.map(event => event.token), whole.details.tokens);
  assert.equal(events.length, events.at(-1).details.generated_tokens);
});

test('tokens stand in the text where they say', async () => {
  const tokens = await (await post('/tokenize', { inputs: 'Once upon a time' })).json();
  assert.equal(tokens.map(token => token.text).join(''), 'Once upon a time');
  const shown = await (await post('/chat_tokenize', { messages: chat.messages })).json();
  assert.ok(shown.templated_text.includes('Say something.'));
  assert.ok(shown.tokenize_response.length > 0);
});
