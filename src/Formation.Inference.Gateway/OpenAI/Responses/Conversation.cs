using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>What a response answers.</summary>
/// <param name="Messages">All of it, as the chat template gets it.</param>
/// <param name="Input">What is new, with the items that were only named.</param>
/// <param name="Before">The length of the conversation that was kept before.</param>
internal sealed record Conversation(IReadOnlyList<ChatMessage> Messages, IReadOnlyList<ResponseItem> Input, ChainLength Before);

/// <summary>Puts a conversation together from a request and from what was kept of the responses before it.</summary>
internal sealed class ConversationSource(GatewayOptions options)
{
    /// <summary>Responses in one conversation.</summary>
    internal const int MaxDepth = 1024;

    const int MaxReferences = 256;

    /// <param name="body">The request.</param>
    /// <param name="ids">Makes the ids of its items.</param>
    /// <param name="accountId">Whose it is; what is another's is not found.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ApiErrorException">The input is at fault, or what it goes on with is not there.</exception>
    internal async Task<Conversation> ReadAsync(ResponsesRequest body, ItemIds ids, string accountId, CancellationToken cancellationToken)
    {
        if (body.Input is null && body.PreviousResponseId is null)
            throw Missing("input");
        var messages = new ItemMessages();
        if (body.Instructions is { Length: > 0 } instructions)
            messages.Add(new MessageItem("", ResponseItem.Completed, "system", [new InputTextPart(instructions)]), "instructions");
        ChainLength before = default;
        if (body.PreviousResponseId is { } previous)
            before = await AddEarlierAsync(messages, previous, accountId, cancellationToken);

        var items = new List<ResponseItem>();
        var named = new Dictionary<string, ResponseItem?>(StringComparer.Ordinal);
        foreach (InputItem each in body.Input is { } input ? InputItems.Read(input, ids) : [])
        {
            ResponseItem item = each.Item ?? await FindAsync(each, accountId, named, cancellationToken);
            items.Add(item);
            messages.Add(item, each.Param);
        }

        IReadOnlyList<ChatMessage> all = messages.End();
        if (all.Count == 0)
            throw InvalidValue("input", "it says nothing: there is no message in it.");
        return new Conversation(all, items, before);
    }

    async Task<ChainLength> AddEarlierAsync(ItemMessages messages, string previous, string accountId, CancellationToken cancellationToken)
    {
        const string Param = "previous_response_id";
        if (options.Contents is not { } contents)
            throw Unsupported(Param, "This server keeps no responses; send the whole conversation as 'input'.");
        if (await contents.Responses.FindStateAsync(accountId, previous, cancellationToken) is { } state and not ResponseState.Answered)
            throw InvalidValue(Param, state == ResponseState.Open
                ? $"'{Shorten(previous)}' has not ended yet; wait until it is completed."
                : $"'{Shorten(previous)}' has no answer that could be gone on with; see its status.");
        ChainLength length = await contents.Responses.FindLengthAsync(accountId, previous, cancellationToken)
            ?? throw Fail(Param, "previous_response_not_found", $"Previous response with id '{Shorten(previous)}' not found.");
        if (length.Depth >= MaxDepth)
            throw InvalidValue(Param, $"the conversation has {length.Depth} responses, and {MaxDepth} is the limit; begin a new one.");
        if (length.Bytes > options.MaxRequestBodyBytes)
            throw InvalidValue(Param, $"the conversation has {length.Bytes} bytes, and {options.MaxRequestBodyBytes} is the limit; begin a new one.");
        foreach (byte[] kept in await contents.Responses.FindChainAsync(accountId, previous, length.Depth, cancellationToken))
        {
            KeptItems items = Read(kept);
            foreach (ResponseItem item in items.Input.Concat(items.Output))
                messages.Add(item, Param);
        }

        return length;
    }

    async Task<ResponseItem> FindAsync(InputItem named, string accountId, Dictionary<string, ResponseItem?> found, CancellationToken cancellationToken)
    {
        string id = named.Reference!;
        if (!found.TryGetValue(id, out ResponseItem? item))
        {
            if (found.Count == MaxReferences)
                throw InvalidValue("input", $"it names more than {MaxReferences} items of other responses, which is the limit.");
            found[id] = item = options.Contents is { } contents && ItemIds.ResponseOf(id) is { } response
                && await contents.Responses.FindItemsAsync(accountId, response, cancellationToken) is { } kept
                ? Find(Read(kept), id)
                : null;
        }

        return item ?? throw new ApiErrorException(ApiError.BadParameter($"{named.Param}.id", "item_not_found", $"Item with id '{Shorten(id)}' not found."));
    }

    static ResponseItem? Find(KeptItems items, string id) => items.Output.Concat(items.Input).FirstOrDefault(item => item.Id == id);

    internal static KeptItems Read(byte[] kept) => JsonSerializer.Deserialize(kept, OpenAIJsonContext.Answers.KeptItems)!;
}
