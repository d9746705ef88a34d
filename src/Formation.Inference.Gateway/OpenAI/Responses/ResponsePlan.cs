using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Telemetry;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>A response that is to be made: what the engine runs, and what puts its events together.</summary>
/// <param name="Body">What was asked.</param>
/// <param name="AccountId">Who asked.</param>
/// <param name="Request">The same as the engine runs it.</param>
/// <param name="Conversation">What it answers.</param>
/// <param name="Builder">Puts the response together.</param>
/// <param name="Usage">What it uses.</param>
/// <param name="Formation">What Formation's part of it tells.</param>
internal sealed record ResponsePlan(
    ResponsesRequest Body, string AccountId, GenerationRequest Request, Conversation Conversation, ResponseBuilder Builder, UsageCount Usage,
    FormationRecord Formation)
{
    /// <summary>The response as it is now, as it is kept.</summary>
    internal KeptResponse ToKept()
    {
        ResponseObject response = Builder.Response;
        return new KeptResponse(
            response.Id,
            AccountId,
            response.PreviousResponseId,
            JsonSerializer.SerializeToUtf8Bytes(response, OpenAIJsonContext.Answers.ResponseObject),
            JsonSerializer.SerializeToUtf8Bytes(new KeptItems(Conversation.Input, response.Output), OpenAIJsonContext.Answers.KeptItems));
    }
}

/// <summary>Step 3 of the request path: makes a plan of a request's body, every value checked, with what was kept of the conversation.</summary>
internal sealed class ResponsePlanner(
    GatewayOptions options, IInferenceBackend backend, AnswerSource answers, ConversationSource conversations, Truncation truncation)
{
    /// <param name="body">The request, which <see cref="ResponsesMapping.Check"/> found no fault with.</param>
    /// <param name="id">The response's id.</param>
    /// <param name="created">When it was asked for.</param>
    /// <param name="record">Gets the model.</param>
    /// <param name="requestId">What the request is called in logs and by the engine.</param>
    /// <param name="accountId">Who asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ApiErrorException">The request is at fault, or what it goes on with is not there.</exception>
    internal async Task<ResponsePlan> PlanAsync(
        ResponsesRequest body, string id, DateTimeOffset created, RequestRecord record, string requestId, string accountId, CancellationToken cancellationToken)
    {
        var ids = new ItemIds(id);
        ResponseTools tools = ResponseToolsMapping.Of(body);
        Conversation conversation = await conversations.ReadAsync(body, ids, accountId, cancellationToken);
        GenerationRequest request = ResponsesMapping.ToGeneration(body, conversation.Messages, tools, requestId, accountId);
        AnswerHeader header = AnswerHeader.Create(id, created, answers.FindModel(record, request.ModelId));
        var usage = new UsageCount(request.Choices);
        var formation = new FormationRecord(body.Formation is not null, usage, options.Clock);
        int calls = 0;
        var builder = new ResponseBuilder(
            ResponsesMapping.Begin(body, header, tools, isKept: Keeps(body)), ids, request.Logprobs is not null,
            new ToolCallAnswers(request.ToolUse, () => ids.OfOutput("call", calls++)), usage, formation, options.Clock);
        return new ResponsePlan(body, accountId, request, conversation, builder, usage, formation);
    }

    /// <summary>Whether a response is kept.</summary>
    internal bool Keeps(ResponsesRequest body) => body.Store != false && options.Contents is not null;

    /// <summary>Steps 4 to 9, which are the backend's: what the engine says of a plan.</summary>
    internal async Task<IAsyncEnumerable<PromptEvent>> RunAsync(ResponsePlan plan, CancellationToken cancellationToken)
    {
        GenerationRequest request = plan.Body.Truncation == "auto" ? await truncation.FitAsync(plan.Request, cancellationToken) : plan.Request;
        return plan.Formation.Watch(PromptEvents.RunAsync(backend, [request], cancellationToken), cancellationToken);
    }
}
