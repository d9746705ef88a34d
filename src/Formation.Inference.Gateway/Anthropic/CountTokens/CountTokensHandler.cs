using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Anthropic.CountTokens;

/// <summary><c>POST /v1/messages/count_tokens</c>. Takes a place among the requests in progress, as tokenizing takes time, too.</summary>
internal sealed class CountTokensHandler(GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers)
{
    internal async Task HandleAsync(HttpContext context)
    {
        AnthropicVersion.Check(context.Request);
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        CountTokensRequest body = await JsonBody.ReadAsync(
            context, AnthropicJsonContext.Requests.CountTokensRequest, options.MaxRequestBodyBytes);
        ExtraInputs.None(body.Unknown);
        var request = new GenerationRequest
        {
            RequestId = context.TraceIdentifier,
            ModelId = ParameterChecks.ModelId(body.Model),
            AccountId = accountId,
            Prompt = ConversationMapping.Of(body).Prompt,
            Reasoning = ThinkingMapping.ToReasoning(body),
        };
        answers.FindModel(context, request.ModelId);
        Outcome<GenerationStarted> counted = await backend.CountAsync(request, context.RequestAborted);
        if (counted.Error is { } error)
            throw new ApiErrorException(GenerationErrors.ToApiError(error, ConversationMapping.ParameterName));
        await WholeAnswer.WriteAsync(context, new TokenCount(counted.Value!.PromptTokens), AnthropicJsonContext.Answers.TokenCount);
    }
}
