using Formation.Inference.Gateway.HuggingFace;
using Formation.Inference.Gateway.HuggingFace.TextEmbeddings;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

/// <summary>Damaged bodies from fixed seeds: each is understood, or refused as wrong; nothing else may happen.</summary>
public class DamagedRequestTests
{
    static readonly string[] Texts =
    [
        """{"inputs":"Grüße 🙂","parameters":{"best_of":2,"do_sample":true,"details":true,"stop":["a","b"],"temperature":0.5,"top_k":5,"top_p":0.5,"grammar":{"type":"json","value":{"type":"object","properties":{"a":{"type":"string"}}}}},"stream":false}""",
        """{"inputs":"a","parameters":{"seed":18446744073709551615,"max_new_tokens":5,"truncate":3,"top_n_tokens":2,"grammar":{"type":"json_schema","value":{"name":"n","schema":{"type":"string"}}},"repetition_penalty":1.5}}""",
        """{"inputs":"a","parameters":{"grammar":{"type":"json","value":"{\"type\":\"array\"}"},"typical_p":0.5,"watermark":false,"adapter_id":null,"return_full_text":true}}""",
        """{"inputs":"A text that is long enough for most damage to be done to it and not to what stands around it, in which nothing is wrong whatever it says, as it is only text."}""",
    ];

    static readonly string[] Vectors =
    [
        """{"inputs":["Grüße 🙂",[1,2,3],"c"],"normalize":false,"dimensions":5,"truncate":true,"truncation_direction":"left"}""",
        """{"inputs":[[1,2],[3],[4,5,6]],"prompt_name":null,"truncate":false}""",
        """{"inputs":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}""",
        """{"inputs":"A text that is long enough for most damage to be done to it and not to what stands around it, in which nothing is wrong whatever it says, as it is only text."}""",
    ];

    [Fact]
    [Trait("Category", "Fuzz")]
    public void Damaged_texts_are_understood_or_refused_and_nothing_else()
    {
        var mapping = new GenerateMapping(() => 5);
        DamagedBody.AreUnderstoodOrRefused(
            Texts, 20261124, body => mapping.ToPlan(JsonBody.Parse(body, HuggingFaceJsonContext.Requests.GenerateRequest), "m", "r", "a", isStream: false));
    }

    [Fact]
    [Trait("Category", "Fuzz")]
    public void Damaged_inputs_of_vectors_are_understood_or_refused_and_nothing_else() => DamagedBody.AreUnderstoodOrRefused(Vectors, 20261125, body =>
    {
        EmbedRequest request = JsonBody.Parse(body, HuggingFaceJsonContext.Requests.EmbedRequest);
        EmbedMapping.Inputs(request.Inputs);
        EmbedMapping.Truncation(request);
    });
}
