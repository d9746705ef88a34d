using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.TextEmbeddings;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.Tokens;

/// <summary><c>POST /tokenize</c> and <c>/decode</c> of Text Embeddings Inference: several texts in one request, one after the other.</summary>
internal sealed class EmbeddingTokensHandler(GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, ModelChoice models)
{
    const int MaxTexts = 256;

    internal async Task TokenizeAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        TokenizeRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.TokenizeRequest, options.MaxRequestBodyBytes);
        if (body.PromptName is not null)
            throw Unsupported("prompt_name", "The models here have no prompts by name; put the prompt before the text, and leave this out.");
        IReadOnlyList<Prompt> texts = EmbedMapping.Inputs(body.Inputs);
        Count(EmbedMapping.InputsName, texts.Count, 1, MaxTexts);
        if (texts.Any(text => text is not TextPrompt))
            throw InvalidType(EmbedMapping.InputsName, "a string or an array of strings", body.Inputs!.Value);
        ModelDescription model = answers.FindModel(context, models.Of(context));
        var shown = new List<List<SpecialToken>>();
        foreach (Prompt text in texts)
            shown.Add(ToTokens(await AskAsync(context, text, model.Id, accountId), body.AddSpecialTokens ?? true));
        await WholeAnswer.WriteAsync(context, shown, HuggingFaceJsonContext.Answers.ListListSpecialToken);
    }

    internal async Task DecodeAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        DecodeRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.DecodeRequest, options.MaxRequestBodyBytes);
        List<TokenPrompt> sequences = Sequences(body.Ids ?? throw Missing("ids"));
        ModelDescription model = answers.FindModel(context, models.Of(context));
        var texts = new List<string>();
        foreach (TokenPrompt sequence in sequences)
            texts.Add(await DecodeAsync(context, sequence, body.SkipSpecialTokens ?? true, model.Id, accountId));
        await WholeAnswer.WriteAsync(context, texts, HuggingFaceJsonContext.Answers.ListString);
    }

    async Task<string> DecodeAsync(HttpContext context, TokenPrompt sequence, bool skips, string modelId, string accountId)
    {
        TokenizedPrompt prompt = await AskAsync(context, sequence, modelId, accountId);
        if (!skips || !prompt.Tokens.Any(token => token.IsSpecial))
            return prompt.Text.Value;

        // What begins a text is read otherwise than what stands behind something: so the rest is decoded as a text of its own.
        int[] rest = [.. prompt.Tokens.Where(token => !token.IsSpecial).Select(token => token.Id)];
        return rest.Length == 0 ? "" : (await AskAsync(context, new TokenPrompt(rest), modelId, accountId)).Text.Value;
    }

    async Task<TokenizedPrompt> AskAsync(HttpContext context, Prompt prompt, string modelId, string accountId)
    {
        var request = new GenerationRequest { RequestId = context.TraceIdentifier, ModelId = modelId, AccountId = accountId, Prompt = prompt };
        Outcome<TokenizedPrompt> outcome = await backend.TokenizeAsync(request, context.RequestAborted);
        string name = prompt is TokenPrompt ? "ids" : EmbedMapping.InputsName;
        return outcome.Value ?? throw new ApiErrorException(HuggingFaceErrors.OfBackend(outcome.Error!, _ => name));
    }

    static List<TokenPrompt> Sequences(JsonElement ids)
    {
        if (ids.ValueKind != JsonValueKind.Array)
            throw InvalidType("ids", "token ids, or an array of arrays of these", ids);
        Count("ids", ids.GetArrayLength(), 1, int.MaxValue);
        if (ids[0].ValueKind != JsonValueKind.Array)
            return [EmbedMapping.TokenIds("ids", ids)];
        Count("ids", ids.GetArrayLength(), 1, MaxTexts);
        return [.. ids.EnumerateArray().Select((each, i) => each.ValueKind == JsonValueKind.Array
            ? EmbedMapping.TokenIds($"ids[{i}]", each)
            : throw InvalidType($"ids[{i}]", "an array of token ids", each))];
    }

    static List<SpecialToken> ToTokens(TokenizedPrompt prompt, bool withSpecial)
    {
        byte[] text = Encoding.UTF8.GetBytes(prompt.Text.Value);
        return [.. prompt.Tokens.Where(token => withSpecial || !token.IsSpecial).Select(token => token.IsSpecial
            ? new SpecialToken(token.Id, Encoding.UTF8.GetString(token.Bytes.Span), true, null, null)
            : new SpecialToken(token.Id, Encoding.UTF8.GetString(text, token.Start, token.Stop - token.Start), false, token.Start, token.Stop))];
    }
}
