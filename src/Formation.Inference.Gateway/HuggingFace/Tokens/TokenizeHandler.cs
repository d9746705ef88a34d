using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.Tokens;

/// <summary>
/// <c>POST /tokenize</c> and <c>/chat_tokenize</c> of Text Generation Inference. Take a place among the requests in progress, as tokenizing takes
/// time, too.
/// </summary>
internal sealed class TokenizeHandler(GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, ModelChoice models)
{
    internal async Task TokenizeAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        TokenizeRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.TokenizeRequest, options.MaxRequestBodyBytes);
        JsonElement inputs = body.Inputs ?? throw Missing("inputs");
        string text = JsonWords.TryGetString(inputs) ?? throw InvalidType("inputs", "a string", inputs);
        if (text.Length == 0)
            throw InvalidValue("inputs", "it is empty; send a text.");
        TokenizedPrompt prompt = await AskAsync(context, new TextPrompt(text), models.Of(context), accountId);
        await WholeAnswer.WriteAsync(context, ToTokens(prompt), HuggingFaceJsonContext.Answers.ListSimpleToken);
    }

    internal async Task ChatTokenizeAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        ChatCompletionRequest body = await JsonBody.ReadAsync(context, OpenAIJsonContext.Requests.ChatCompletionRequest, options.MaxRequestBodyBytes);
        string modelId = models.Of(context);
        body.Model = modelId;
        FormationMapping.NotHere(body.Formation);
        var ignored = new IgnoredFields();
        GenerationRequest request = ChatCompletionMapping.ToGeneration(body, context.TraceIdentifier, accountId, keeps: false, ignored);
        ignored.Tell(context.Response);
        TokenizedPrompt prompt = await AskAsync(context, request.Prompt, modelId, accountId);
        await WholeAnswer.WriteAsync(
            context, new ChatTokenizeResponse(ToTokens(prompt), prompt.Text.Value), HuggingFaceJsonContext.Answers.ChatTokenizeResponse);
    }

    async Task<TokenizedPrompt> AskAsync(HttpContext context, Prompt prompt, string modelId, string accountId)
    {
        var request = new GenerationRequest { RequestId = context.TraceIdentifier, ModelId = modelId, AccountId = accountId, Prompt = prompt };
        answers.FindModel(context, modelId);
        Outcome<TokenizedPrompt> outcome = await backend.TokenizeAsync(request, context.RequestAborted);
        return outcome.Value ?? throw new ApiErrorException(HuggingFaceErrors.OfBackend(outcome.Error!, GenerateMapping.ParameterName));
    }

    static List<SimpleToken> ToTokens(TokenizedPrompt prompt)
    {
        byte[] text = Encoding.UTF8.GetBytes(prompt.Text.Value);
        return [.. prompt.Tokens.Select(token =>
            new SimpleToken(token.Id, Encoding.UTF8.GetString(text, token.Start, token.Stop - token.Start), token.Start, token.Stop))];
    }
}
