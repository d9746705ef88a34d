using Formation.Inference.Engine.Grammars;
using static Formation.Inference.Engine.Tests.Grammars.JsonSchemaGrammarTests;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>Schemas that must not hold, that hold under conditions, and that compare items. Texts are apart by spaces; schemas have ' for ".</summary>
public sealed class JsonSchemaConditionTests
{
    [Theory]
    [InlineData("{'type':['string','integer','null'],'not':{'type':'integer'}}", "'a' null", "1")]
    [InlineData("{'type':'number','not':{'type':'integer'},'nullable':true}", "null", "1 1.5")]
    [InlineData("{'type':'string','not':{'const':'ab'}}", "'a' 'abc' 'b' ''", "'ab' '\\u0061b' '\\u0061\\u0062'")]
    [InlineData("{'type':'string','not':{'enum':['a','b',1,null]}}", "'c' 'ab'", "'a' 'b' null")]
    [InlineData("{'type':'string','not':{'pattern':'^a'},'maxLength':3}", "'ba' ''", "'a' 'ab' 'bbbb'")]
    [InlineData("{'type':'string','not':{'minLength':3}}", "'' 'ab'", "'abc' 1")]
    [InlineData("{'type':'string','not':{'anyOf':[{'pattern':'^a'},{'pattern':'z$'}]}}", "'b'", "'a' 'z' 'az'")]
    [InlineData("{'type':'integer','not':{'const':0}}", "1 -1 10", "0")]
    [InlineData("{'type':'integer','not':{'enum':[-7,7]},'minimum':-9,'maximum':9}", "0 -8 8", "7 -7 10")]
    [InlineData("{'type':'number','not':{'const':1.5}}", "1 1.51 -1.5 15 0.5", "1.5 1.50 15e-1")]
    [InlineData("{'type':'number','not':{'const':0}}", "1 0.1 -0.1", "0 -0 0.0 -0.00 0e5")]
    [InlineData("{'type':'integer','not':{'minimum':3}}", "2 -9", "3 4")]
    [InlineData("{'type':'number','not':{'minimum':3,'exclusiveMinimum':true}}", "3 2.5", "3.1")]
    [InlineData("{'type':'integer','not':{'minimum':3,'maximum':5}}", "2 6", "3 4 5")]
    [InlineData("{'type':['boolean','null'],'not':{'enum':[true,null]}}", "false", "true null")]
    [InlineData("{'enum':[1,2.0,'a',null],'not':{'enum':[1.0,'a']}}", "2.0 null", "1 'a'")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{}},'not':{'required':['a','b']}}", "{} {'a':1} {'b':1}", "{'a':1,'b':1}")]
    [InlineData("{'type':'object','not':{'required':['a']}}", "{} {'b':1} {'aa':1}", "{'a':1} {'b':1,'a':2}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'integer'}},'not':{'properties':{'a':{'const':1}}}}", "{'a':2}", "{} {'a':1}")]
    [InlineData("{'type':'object','not':{'const':{}}}", "{'a':1}", "{}")]
    [InlineData("{'type':'array','items':{'type':'null'},'not':{'maxItems':1}}", "[null,null]", "[] [null]")]
    [InlineData("{'type':'array','items':{'type':['integer','null']},'not':{'contains':{'type':'null'}}}", "[] [1,2]", "[null] [1,null]")]
    [InlineData("{'type':'string','not':{'not':{'maxLength':1}}}", "'a'", "'ab'")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{}},'not':{'anyOf':[{'required':['a']},{'required':['b']}]}}", "{}", "{'a':1} {'b':1}")]
    [InlineData("{'properties':{'a':{'not':{}}}}", "{}", "{'a':1}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'}},'unevaluatedProperties':false,'not':{'properties':{'b':{'const':1}}},'anyOf':[{'required':['a']},{'properties':{'b':{}}}]}", "{'b':2} {'b':\"x\"}", "{'a':null} {'b':1} {}")]
    public void What_must_not_be_is_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'type':'object','properties':{'k':{'enum':['a','b']},'x':{'type':'integer'}},'required':['k'],'if':{'properties':{'k':{'const':'a'}}},'then':{'required':['x']},'else':{'not':{'required':['x']}}}", "{'k':'a','x':1} {'k':'b'}", "{'k':'a'} {'k':'b','x':1} {}")]
    [InlineData("{'type':'object','properties':{'k':{'type':'string'},'x':{'type':'null'}},'if':{'properties':{'k':{'const':'a'}},'required':['k']},'then':{'required':['x']}}", "{} {'x':null} {'k':'b'} {'k':'a','x':null}", "{'k':'a'}")]
    [InlineData("{'type':'object','properties':{'k':{'type':'string'},'x':{'type':'null'}},'if':{'properties':{'k':{'const':'a'}}},'then':{'required':['x']}}", "{'x':null} {'k':'b'} {'k':'a','x':null}", "{} {'k':'a'}")]
    [InlineData("{'type':'integer','if':{'minimum':10},'then':{'multipleOf':10},'else':{'maximum':5}}", "5 0 10 20", "6 9 11")]
    [InlineData("{'if':{},'then':{'type':'null'},'else':{'type':'string'}}", "null", "'a'")]
    [InlineData("{'type':'null','if':{'type':'string'}}", "null", "'a'")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{},'c':{}},'dependentRequired':{'a':['b'],'b':['c']}}", "{} {'c':1} {'b':1,'c':1} {'a':1,'b':1,'c':1}", "{'a':1} {'a':1,'b':1} {'b':1} {'a':1,'c':1}")]
    [InlineData("{'type':'object','dependentRequired':{'a':['b']},'additionalProperties':{'type':'null'}}", "{} {'b':null} {'c':null}", "{'a':null} {'a':null,'c':null}")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{'type':'integer'}},'dependentSchemas':{'a':{'properties':{'b':{'minimum':3}},'required':['b']}}}", "{} {'b':1} {'a':1,'b':3}", "{'a':1} {'a':1,'b':2}")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{},'c':{}},'dependencies':{'a':['b'],'b':{'required':['c']}}}", "{} {'b':1,'c':1} {'a':1,'b':1,'c':1}", "{'a':1} {'a':1,'b':1}")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{}},'dependentRequired':{'a':[]},'dependentSchemas':{'b':false}}", "{} {'a':1}", "{'b':1}")]
    [InlineData("{'oneOf':[{'dependentRequired':{'a':['b']},'properties':{'a':{},'b':{}},'type':'object'},{'type':'string'}]}", "{} 'x' {'a':1,'b':2}", "{'a':1} 1")]
    public void Conditions_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'type':'array','items':{'enum':['a','b','c']},'uniqueItems':true}", "[] ['a'] ['c','a'] ['b','a','c']", "['a','a'] ['a','b','a'] ['a','b','c','a']")]
    [InlineData("{'type':'array','items':{'enum':[1,1.0,'1',2]},'uniqueItems':true,'minItems':2,'maxItems':2}", "[1,'1'] [2,1]", "[1,1.0] [1] [1,2,'1']")]
    [InlineData("{'type':'array','items':{'type':'boolean','nullable':true},'uniqueItems':true,'minItems':3}", "[null,true,false] [true,false,null]", "[true,false] [true,true,null]")]
    [InlineData("{'type':'array','items':{'type':'integer','minimum':1,'maximum':3},'uniqueItems':true}", "[3,1,2] []", "[1,1] [4]")]
    [InlineData("{'type':'array','items':{'anyOf':[{'const':'a'},{'type':'null'}]},'uniqueItems':true}", "['a',null] [null,'a']", "[null,null]")]
    [InlineData("{'type':'array','items':{'type':'integer','minimum':1,'maximum':30},'uniqueItems':true,'minItems':2}", "[1,30] [3,7,29]", "[1] [1,1] [2,1] []")]
    [InlineData("{'type':'array','items':{'type':'integer','minimum':1,'maximum':30},'uniqueItems':true,'maxItems':2}", "[] [1] [3,7]", "[1,2,3] [4,4]")]
    [InlineData("{'type':'array','items':{'type':'integer'},'uniqueItems':true,'maxItems':1}", "[] [7]", "[1,1]")]
    public void Different_items_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'type':'array','contains':{'const':1}}", "[1] ['a',1,2] [1,1] [~1~]", "[] [2]")]
    [InlineData("{'type':'array','items':{'type':'integer'},'contains':{'minimum':5},'minContains':2}", "[5,6] [1,7,2,9] [5,6,7]", "[5] [5,1] []")]
    [InlineData("{'type':'array','items':{'type':'integer'},'contains':{'minimum':5},'maxContains':1}", "[5] [1,7,2]", "[] [5,6] [1]")]
    [InlineData("{'type':'array','items':{'type':'integer'},'contains':{'minimum':5},'maxContains':1,'minContains':0,'maxItems':3}", "[] [1] [1,5,2]", "[5,6] [1,2,3,4]")]
    [InlineData("{'type':'array','items':{'type':'integer'},'contains':{'const':5},'minItems':2,'maxItems':3}", "[5,1] [1,2,5] [5,5]", "[5] [1,2] [1,2,3,5]")]
    [InlineData("{'type':'array','prefixItems':[{'type':'string'}],'items':{'type':'integer'},'contains':{'const':5},'minItems':3}", "['a',5,1] ['a',1,2,5]", "['a',5] ['a',1,2] [5,1,2]")]
    [InlineData("{'type':'array','contains':{'type':'object','properties':{'k':{'const':'a'}},'required':['k']},'maxContains':1,'items':{'type':'object','properties':{'k':{'enum':['a','b']}},'required':['k']}}", "[{'k':'a'}] [{'k':'b'},{'k':'a'}]", "[{'k':'b'}] [{'k':'a'},{'k':'a'}] [{}]")]
    [InlineData("{'type':'array','contains':{'const':1},'minContains':0}", "[] [2]", "1")]
    [InlineData("{'type':'array','contains':{'const':1},'maxContains':0,'minContains':0}", "[] [2]", "[1] [2,1]")]
    public void Items_that_have_to_be_somewhere_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'$ref':'#a','$defs':{'x':{'$anchor':'a','const':1},'y':{'enum':[{'$anchor':'a'}]}}}", "1", "2")]
    [InlineData("{'$ref':'#a','$defs':{'x':{'$id':'#a','const':1}}}", "1", "2")]
    [InlineData("{'$id':'https://example.org/root','$ref':'item#a','$defs':{'i':{'$id':'item','$ref':'#/$defs/v','$defs':{'v':{'$anchor':'a','const':1}}},'v':{'const':2}}}", "1", "2")]
    [InlineData("{'$id':'https://example.org/root','$ref':'item','$defs':{'i':{'$id':'item','$ref':'#/$defs/v','$defs':{'v':{'const':1}}},'v':{'const':2}}}", "1", "2")]
    [InlineData("{'properties':{'default':{'$anchor':'a','const':1},'x':{'$ref':'#a'}}}", "{'x':1}", "{'x':2}")]
    public void References_to_anchors_and_inner_schemas_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'not':{}}", "'#/not'", "every value satisfies it")]
    [InlineData("{'not':true}", "'#/not'", "'not' of 'true'")]
    [InlineData("{'not':{'oneOf':[{'type':'null'}]}}", "'#/not/oneOf'", "not supported in a schema that must not hold")]
    [InlineData("{'if':{'format':'date'},'else':{'maxLength':3}}", "'#/if/format'", "not supported in a schema that must not hold")]
    [InlineData("{'not':{'const':{'a':1}}}", "'#/not/const'", "can't be forbidden as a whole")]
    [InlineData("{'not':{'$ref':'#'}}", "'#'", "refers to itself")]
    [InlineData("{'type':'object','required':['a'],'not':{'required':['a']}}", "'#'", "the property 'a' is required")]
    [InlineData("{'enum':[{'a':1}],'not':{'required':['b']}}", "'#/not/required/0'", "an object or an array that 'enum'")]
    [InlineData("{'$dynamicRef':'#a'}", "'#/$dynamicRef'", "not supported")]
    [InlineData("{'type':'array','contains':{},'maxContains':0,'minContains':1}", "'#/contains'", "minContains is above maxContains")]
    [InlineData("{'type':'array','contains':{'type':'null'},'allOf':[{'contains':{'type':'string'}}]}", "'#/allOf/0/contains'", "second 'contains'")]
    [InlineData("{'type':'array','contains':{'type':'null'},'unevaluatedItems':false}", "'#/contains'", "beside 'unevaluatedItems'")]
    [InlineData("{'type':'array','contains':{'const':1},'uniqueItems':true}", "'#/uniqueItems'", "beside 'contains'")]
    [InlineData("{'type':'array','contains':{'const':1},'minContains':200,'maxItems':200}", "'#/contains'", "is too large")]
    [InlineData("{'type':'array','uniqueItems':true}", "'#/uniqueItems'", "can't compare others")]
    [InlineData("{'type':'array','items':{'type':'string'},'uniqueItems':true}", "'#/uniqueItems'", "can't compare others")]
    [InlineData("{'type':'array','prefixItems':[{'const':1}],'uniqueItems':true}", "'#/uniqueItems'", "beside 'prefixItems'")]
    [InlineData("{'type':'array','items':{'enum':[1,2]},'minItems':3,'uniqueItems':true}", "'#/uniqueItems'", "3 different items are wanted, and there are 2")]
    [InlineData("{'$ref':'#a','$defs':{'x':{'$anchor':'a'},'y':{'$anchor':'a'}}}", "'#/$ref'", "names an anchor that two schemas have")]
    [InlineData("{'type':'object','required':['x'],'unevaluatedProperties':false}", "'#'", "the property 'x' is required")]
    [InlineData("{'oneOf':[{'dependentRequired':{'a':['b']}},{'type':'string'}]}", "'#/oneOf'", "at once")]
    public void What_can_not_be_held_is_refused_with_where_and_why(string schema, string where, string reason)
    {
        var message = Assert.Throws<GrammarException>(() => Grammar(schema)).Message;
        Assert.Contains(where, message);
        Assert.Contains(reason, message);
    }

    [Fact]
    public void Conditions_on_one_property_make_no_more_ways_than_it_has_values()
    {
        var values = string.Join(',', Enumerable.Range(0, 60).Select(i => $"'v{i}'"));
        var conditions = string.Join(',', Enumerable.Range(0, 60).Select(i => $"{{'if':{{'properties':{{'k':{{'const':'v{i}'}}}},'required':['k']}},'then':{{'required':['p{i}']}}}}"));
        var properties = string.Join(',', Enumerable.Range(0, 60).Select(i => $"'p{i}':{{'type':'null'}}"));
        Held(
            $"{{'type':'object','properties':{{'k':{{'enum':[{values}]}},{properties}}},'required':['k'],'allOf':[{conditions}]}}",
            "{'k':'v7','p7':null} {'k':'v59','p1':null,'p59':null}", "{'k':'v7'} {'k':'v7','p8':null} {}");
    }

    [Fact]
    public void Conditions_that_make_too_many_ways_are_refused()
    {
        Refused($"{{'type':'object','dependentRequired':{{{Many(40, i => $"'a{i}':['b{i}']")}}}}}", "more than 512 alternatives");
        Refused($"{{'type':'object','allOf':[{Many(40, i => $"{{'if':{{'required':['a{i}']}},'then':{{'required':['b{i}']}}}}")}]}}", "more than 512 alternatives");
        Refused($"{{'not':{{'anyOf':[{Many(40, i => $"{{'properties':{{'a{i}':{{'const':1}},'b{i}':{{'const':1}}}}}}")}]}}}}", "more than 512 alternatives");
        Refused($"{{'not':{{'properties':{{{Many(900, i => $"'a{i}':{{'const':1}}")}}}}}}}", "more than 512 ways");
        Refused($"{{'$ref':'#x','$defs':{{{Many(2000, i => $"'a{i}':{{'$anchor':'b{i}'}}")}}}}}", "more than 1000 anchors");
        Refused(string.Concat(Enumerable.Repeat("{'not':", 100)) + "{'type':'null'}" + new string('}', 100), "64 deep");
        Refused($"{{'type':'array','items':{{'enum':[{Many(1000, i => $"{i}")}]}},'uniqueItems':true,'minItems':500}}", "is too large");
        Refused($"{{'type':'string','not':{{'enum':[{Many(3000, i => $"'{i}'")}]}}}}", "2000 are allowed");

        static string Many(int count, Func<int, string> part) => string.Join(',', Enumerable.Range(0, count).Select(part));

        static void Refused(string schema, string reason) => Assert.Contains(reason, Assert.Throws<GrammarException>(() => Grammar(schema)).Message);
    }
}
