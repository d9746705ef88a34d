using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Anthropic.Messages;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Conversations;

/// <summary>Damaged bodies from fixed seeds: each is understood, or refused with a 400; nothing else may happen.</summary>
public class DamagedMessagesTests
{
    static readonly string[] Seeds =
    [
        """{"model":"tiny","max_tokens":5,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"5m"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Grüße 🙂"}]},{"role":"assistant","content":"a"}],"temperature":0.5,"stop_sequences":["a","b"],"stream":true,"top_k":5}""",
        """{"model":"tiny","max_tokens":5,"messages":[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"tool_use","id":"c","name":"f","input":{"a":[1,{"b":null}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"x"}],"is_error":true}]}],"thinking":{"type":"disabled"},"metadata":{"user_id":"\u0041\ud83d\ude42"},"output_config":{"effort":"low"}}""",
        """{"model":"tiny","max_tokens":5,"messages":[{"role":"user","content":"A text that is long enough for most damage to be done to it and not to what stands around it, in which nothing is wrong whatever it says, as it is only text."}],"stream":true}""",
    ];

    [Fact]
    [Trait("Category", "Fuzz")]
    public void Damaged_bodies_are_understood_or_refused_and_nothing_else() => DamagedBody.AreUnderstoodOrRefused(
        Seeds, 20261123, body => MessagesMapping.ToGeneration(JsonBody.Parse(body, AnthropicJsonContext.Requests.MessagesRequest), "r", "a"));
}
